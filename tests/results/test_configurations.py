"""The best configuration of each search."""

from __future__ import annotations

from pathlib import Path

from tests.support.builders import build_store, record_file
from xstilts.results.configurations import configuration
from xstilts.results.lineage import Lineage
from xstilts.results.summary import Searched, searches
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep


def _world(tmp_path: Path) -> tuple[Store, Lineage, list[Searched]]:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=10
    )
    ledger = Ledger(folder)
    found = searches(ledger.entries(), ledger.chosen())
    return store, Lineage(store, read_sweep(folder)), found


def test_configuration_has_the_settings_and_the_score_of_the_chosen_trial(tmp_path: Path) -> None:
    _, lineage, found = _world(tmp_path)
    own = next(one for one in found if not one.targets)
    shown = configuration(own, lineage)
    assert (shown["hyper"]["lr"], shown["hyper"]["steps"]) == (3e-5, 400)
    assert (shown["value"], shown["metric"]) == (71.0, "accuracy")
    assert shown["others"] == {} and shown["made"] == [] and shown["members"] == []


def test_configuration_of_a_damaged_record_has_what_the_ledger_knows(tmp_path: Path) -> None:
    store, lineage, found = _world(tmp_path)
    own = next(one for one in found if not one.targets)
    assert own.chosen is not None
    record_file(store, own.chosen.phase).write_text("{")
    shown = configuration(own, lineage)
    assert shown["hyper"] == {"lr": 3e-5, "steps": 400, "batch_size": None}
    assert shown["value"] is None


def test_configuration_where_nothing_was_chosen_is_empty(tmp_path: Path) -> None:
    _, lineage, _ = _world(tmp_path)
    nothing = Searched(name="s", model="m", intermediate="a", targets=(), trials={}, chosen=None)
    shown = configuration(nothing, lineage)
    assert set(shown["hyper"].values()) == {None}
    assert shown["metric"] == ""
