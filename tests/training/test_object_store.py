"""Phases whose store is an object store, on several machines (a cache each) and over a network that
fails: the numbers, weights and predictions are those of a folder, bit for bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import object_servers, toy
from tests.support.fault_proxy import Proxy, proxied
from tests.training.test_phase import Killed, killer, weights
from xstilts.errors import LeaseLost
from xstilts.store.phases import Store
from xstilts.training.phase import Report, run_phase


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A server behind a network of which every seventh request meets a fault."""
    with object_servers.moto() as endpoint, proxied(endpoint) as found:
        for name, value in object_servers.settings(found.address).items():
            monkeypatch.setenv(name, value)
        count, kinds = itertools.count(1), itertools.cycle(["lost", 500, "cut", 503, 409])
        found.plan = lambda method, path: None if next(count) % 7 else next(kinds)
        yield found


def test_training_that_goes_on_on_another_machine_and_its_evaluation_equal_those_in_a_folder(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.base_model(tmp_path / "base")
    toy.write_rows(tmp_path / "rows")
    task = toy.task("class", tmp_path / "rows")
    training = toy.training(str(tmp_path / "base"), [task])
    evaluation = toy.evaluation(training, task)
    place, folder = object_servers.address(), str(tmp_path / "folder")

    def on(machine: str) -> None:
        monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / machine))

    on("one")
    often = toy.context(place, partial_every_seconds=0)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        run_phase(training, often, killer(8))
    on("two")
    assert len(Store(place).phase(training.id).partials()) == 2
    stale = Store(place).phase(training.id)
    stale.begin(training)
    run_phase(training, toy.context(place), toy.silent)  # type: ignore[arg-type]
    with pytest.raises(LeaseLost):
        stale.keep_predictions("en", {"id": [1]})
    on("three")
    seen: list[Report] = []
    run_phase(evaluation, toy.context(place), lambda one: not seen.append(one))  # type: ignore[arg-type]
    assert not list((tmp_path / "three").rglob("state.pt"))
    for spec in (training, evaluation):
        run_phase(spec, toy.context(folder), toy.silent)  # type: ignore[arg-type]
        here, there = (Store(one).phase(spec.id) for one in (folder, place))
        assert there.fault(whole=True) == ""
        assert toy.numbers(here.record().result) == toy.numbers(there.record().result)
    left, right = weights(folder, training), weights(place, training)  # type: ignore[arg-type]
    assert left.keys() == right.keys() and all((left[n] == right[n]).all() for n in left)
    one, two = (Store(at).phase(evaluation.id).predictions("en") for at in (folder, place))
    assert one.equals(two)
    assert Store(place).phase(training.id).partials() == []
