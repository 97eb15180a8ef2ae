"""`xstilts cluster watch-spot`, as a spot machine's start commands call it."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.services import Metadata
from xstilts.cli.main import app
from xstilts.driver import nodes
from xstilts.errors import EngineError


def test_watch_spot_drains_the_node_at_the_notice_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drained: list[Any] = []

    def drain(address: str, node: str | None, why: str, seconds: float) -> str:
        drained.append((address, node, why))
        assert 80 < seconds <= 90
        return "a1b2"

    monkeypatch.setattr(nodes, "drain", drain)
    with Metadata() as metadata:
        metadata.terminate_in(seconds=90)
        words = ["cluster", "watch-spot", "--address", "head:6379", "--metadata", metadata.address]
        ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    assert drained == [("head:6379", None, "the machine will be gone (terminate)")]
    assert "node a1b2 is drained" in ran.output


def test_watch_spot_without_an_address_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ran = CliRunner().invoke(app, ["cluster", "watch-spot"])
    assert ran.exit_code == 2 and "--address" in ran.output


def test_drain_where_no_head_answers_is_an_error_that_names_the_address() -> None:
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9: the cluster's head does not answer"):
        nodes.drain("127.0.0.1:9", "ab" * 28, "why", 1)
