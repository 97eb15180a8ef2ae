"""The group of verbs about the machines of a cluster."""

from __future__ import annotations

from typer.testing import CliRunner

from xstilts.cli.main import app


def test_cluster_alone_lists_its_verbs() -> None:
    ran = CliRunner().invoke(app, ["cluster"])
    assert "watch-spot" in ran.output
