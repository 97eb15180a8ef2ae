"""`xstilts verify`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.builders import build_store, predictions_file
from xstilts.cli.main import app
from xstilts.store.phases import Store


def xstilts(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    sizes = {"targets": ("pairs",), "intermediates": ("none", "skill"), "examples": 20}
    return build_store(tmp_path, **sizes)[0]


def damaged(store: Store) -> str:
    phase = next(one for one in sorted(store.done()) if store.phase(one).record().files)
    path = predictions_file(store, phase, "de")
    path.write_bytes(path.read_bytes()[:-3])
    return phase


def test_verify_of_a_good_store_says_what_was_read(store: Store) -> None:
    result = xstilts("verify", store.path)
    assert result.exit_code == 0
    assert f"finished phases {len(store.done())} with" in result.stdout
    assert "sweeps 1; damaged 0" in result.stdout


def test_verify_names_what_is_damaged_and_what_mends_it(store: Store) -> None:
    phase = damaged(store)
    result = xstilts("verify", store.path)
    assert result.exit_code == 1
    assert f"damaged  phase {phase} (of " in result.stdout
    assert "predictions/de.parquet has" in result.stdout
    assert "`xstilts run` of these sweeps makes again" in result.stdout


def test_verify_json_is_one_value(store: Store) -> None:
    phase = damaged(store)
    result = xstilts("verify", store.path, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [one["what"] for one in found["damaged"]] == [f"phase {phase}"]
    assert found["phases"] == len(store.done())


def test_verify_without_a_store_is_one_line(tmp_path: Path) -> None:
    result = xstilts("verify", tmp_path / "none")
    assert result.exit_code == 1
    assert "there is no store" in result.stderr and len(result.stderr.splitlines()) == 1
