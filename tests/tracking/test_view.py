"""What MLflow is to hold for a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builders import build_store
from tests.support.chains import become_chain
from tests.tracking.world import World
from xstilts.store.ledger import Ledger
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.view import View


def test_view_unchanged_ledger_reads_no_record_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View(world.sweep, world.store)
    first = view.runs(world.entries)
    monkeypatch.setattr("xstilts.store.phases.Phase.record", lambda self: pytest.fail("read again"))
    assert view.runs(world.entries)[1:] == first[1:]


def test_view_chain_is_one_intermediate_whose_stages_have_params_of_their_own(
    tmp_path: Path,
) -> None:
    store, folder = build_store(
        tmp_path,
        seeds=(1,),
        languages=("en",),
        targets=("tags",),
        intermediates=("none", "noise", "skill"),
        examples=20,
    )
    become_chain(folder, "skill", "noise", "skill")
    view = View(read_sweep(folder), store)
    (run,) = (run for run in view.runs(Ledger(folder).entries()) if run.name == "skill→tags s1")
    assert run.params["intermediate.task"] == "skill"
    stages = [run.params[f"intermediate.{number}.task"] for number in (1, 2)]
    assert stages == ["noise", "skill"]
    assert run.params["intermediate.1.lr"] == run.params["intermediate.2.lr"] == "3e-05"
    assert run.params["target.lr"] == "5e-05"
    assert len(run.tags["xstilts.intermediate_phase"].split(", ")) == 2
    assert "gain" in run.latest
