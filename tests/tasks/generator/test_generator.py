"""The generator as a whole: the same rows for ever, splits of their size, errors that say what
there is.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support import worlds
from xstilts.errors import DataError
from xstilts.tasks import generator

FINGERPRINT = {1: "56514e10ea33a7bc", 2: "d714d1490d6f692c"}
"""Generator version to a hash of rows of every task; a change of rows needs a new version and a new
line.
"""
SPLITS = [(name, use) for name, sizes in generator.SIZES.items() for use in sizes]


def first(name: str, use: str, language: str, count: int = 20) -> dict[str, list[Any]]:
    """The first rows of a split."""
    return {role: values[:count] for role, values in generator.rows(name, use, language).items()}


def test_rows_of_this_version_are_pinned() -> None:
    kept = [[first(n, "test", code) for code in generator.languages()] for n in generator.SIZES]
    found = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
    assert found == FINGERPRINT[generator.VERSION], (
        "rows changed: raise VERSION in generator/__init__.py and pin the hash"
    )


def test_rows_asked_twice_or_in_another_process_are_equal() -> None:
    program = (
        "import json; from xstilts.tasks import generator; "
        "print(json.dumps(generator.rows('gen-who', 'dev', 'xd')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert (
        json.loads(ran.stdout)
        == generator.rows("gen-who", "dev", "xd")
        == generator.rows("gen-who", "dev", "xd")
    )


def test_import_loads_numpy_alone() -> None:
    heavy = "('torch', 'datasets', 'transformers', 'tokenizers', 'pyarrow')"
    program = (
        f"import sys; from xstilts.tasks import generator; print([m for m in {heavy} if m in "
        "sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "use"), [(n, u) for n, u in SPLITS if u != "train"])
def test_split_has_its_size_and_columns_of_equal_length(name: str, use: str) -> None:
    rows = generator.rows(name, use, "xc")
    assert {len(values) for values in rows.values()} == {generator.SIZES[name][use]}


@pytest.mark.parametrize(
    ("name", "use", "language", "message"),
    [
        ("gen-tag", "train", "xa", "task is 'gen-tag'; must be one of gen-text"),
        ("gen-parallel", "train", "xa", "split is 'train'; must be one of test"),
        ("gen-tags", "train", "en", "language is 'en'; must be one of xa, xb, xc, xd"),
    ],
)
def test_rows_of_what_is_not_there_raise_a_data_error(
    name: str, use: str, language: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        generator.rows(name, use, language)
