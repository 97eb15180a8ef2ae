"""`xstilts prune` as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.api.test_pruning import ran, wanted
from tests.driver.test_keeping import there
from xstilts.cli.main import app
from xstilts.cli.prune import size
from xstilts.store.phases import Store


def test_prune_command_asks_before_it_removes(tmp_path: Path) -> None:
    folder, runner = ran(tmp_path), CliRunner()
    store = Store(tmp_path / "store")
    before = there(store)
    shown = runner.invoke(app, ["prune", str(store.path), "--dry-run"])
    assert shown.exit_code == 0
    assert "checkpoints that no sweep holds" in shown.output
    assert "hours of cpu" in shown.output
    assert "xstilts run SWEEP --remake NAME" in shown.output
    refused = runner.invoke(app, ["prune", str(store.path)], input="")
    assert refused.exit_code == 2
    assert there(store) == before
    done = runner.invoke(app, ["prune", str(store.path), "--yes", "--json"])
    assert done.exit_code == 0, done.output
    value = json.loads(done.stdout)
    assert value["removed"] is True
    assert value["bytes"] == sum(one["bytes"] for one in value["items"]) > 0
    assert there(store) == wanted(folder)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2.5e9, "2.5 GB"), (4e15, "4,000.0 TB")],
)
def test_size_says_bytes_in_words(count: float, text: str) -> None:
    assert size(count) == text
