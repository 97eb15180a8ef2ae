"""What a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.builders import build_store
from tests.support.worlds import environment
from xstilts.cli import names
from xstilts.tasks import TASKS


def completed(*line: str) -> list[str]:
    """What bash gets for a line whose last word is unfinished."""
    asked = {
        "_XSTILTS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("xstilts", *line)),
        "COMP_CWORD": str(len(line)),
    }
    code = "from xstilts.cli.main import app; app(prog_name='xstilts')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment(), **asked},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_shell_completes_verbs_and_tasks() -> None:
    assert completed("sc") == ["scores"]
    assert completed("tasks", "xqu") == ["xquad", "xquad_r"]


@pytest.mark.parametrize(
    ("complete", "begun", "wanted"),
    [
        (names.tasks, "squad_", ["squad_v2", "squad_pairs"]),
        (names.groups, "sem", ["semantic"]),
        (names.formats, "tag", ["tagging"]),
        (names.languages, "s", ["sw"]),
        (names.intermediates, "none", ["none"]),
        (names.intermediates, "xquad", []),
        (names.targets, "xquad", ["xquad", "xquad_r"]),
    ],
)
def test_names_are_those_that_begin_so(complete: Any, begun: str, wanted: list[str]) -> None:
    assert complete(begun) == wanted


def test_all_names_are_offered_for_nothing() -> None:
    assert names.tasks("") == list(TASKS)


def test_pairs_are_those_of_the_sweep_on_the_line(tmp_path: Path) -> None:
    _, folder = build_store(
        tmp_path, intermediates=("none", "skill"), targets=("tags", "pairs"), examples=5
    )
    line: Any = SimpleNamespace(params={"sweep": str(folder)})
    assert names.pairs(line, "skill") == ["skill/tags", "skill/pairs"]
    nowhere: Any = SimpleNamespace(params={"sweep": str(tmp_path / "none.yaml")})
    assert names.pairs(nowhere, "") == []
    assert names.pairs(SimpleNamespace(params={}), "") == []  # type: ignore[arg-type]
