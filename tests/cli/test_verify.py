"""`xstilts verify`: what it prints, its exit codes, and how far it says it is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.support.builders import build_store, predictions_file
from xstilts.cli import counting
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


def test_counting_without_a_terminal_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    with counting.counting("phases read", Console(file=out)) as tell:
        tell(1, 2000)
        assert out.getvalue() == ""
        monkeypatch.setattr(counting, "QUIET_SECONDS", 0.0)
        tell(1500, 2000)
    assert out.getvalue() == "1,500 of 2,000 phases read\n"


def test_counting_on_a_terminal_is_a_bar_that_goes_away() -> None:
    out = io.StringIO()
    with counting.counting("phases read", Console(file=out, force_terminal=True, width=80)) as tell:
        tell(5, 10)
    assert "5/10" in out.getvalue() and "phases read" in out.getvalue()
    assert "\x1b[2K" in out.getvalue()
