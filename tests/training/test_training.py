"""One training: what is due between two updates, which weights are kept, when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import toy
from tests.training.test_phase import Killed, killer, run, spec_of, weights
from xstilts.errors import PhaseError
from xstilts.sources.context import DataContext
from xstilts.store.phases import Store
from xstilts.training.training import Training
from xstilts.workers import process


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model and rows."""
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows")
    return folder


def _training(world: Path, store: Path, **changes: Any) -> Training:
    spec = spec_of(world, "class")
    opened, context = Store(store).prepare(), DataContext(cache=str(store / "data"))

    alone = process.World(rank=0, size=1, device=torch.device("cpu"))
    return Training(
        spec,
        opened.phase(spec.id),
        opened,
        context,
        alone,
        toy.context(store, **changes),
        toy.silent,
    )


def test_training_with_patience_stops_early(world: Path, tmp_path: Path) -> None:
    got = run(tmp_path, spec_of(world, "class", lr=1e-9, steps=40, patience_evals=2))
    assert got.stopped == "patience" and got.steps == 12 and got.dev.step == 4
    assert got.examples == 96 and got.curve[-1].step == 12


def test_training_that_diverges_is_an_error(world: Path, tmp_path: Path) -> None:
    with pytest.raises(PhaseError, match="must stay finite"):
        run(
            tmp_path, spec_of(world, "class", lr=1e30, max_grad_norm=1e30, steps=20, warmup_ratio=0)
        )


def test_training_keeps_the_best_weights(world: Path, tmp_path: Path) -> None:
    full = spec_of(world, "class", lr=0.05, steps=24, schedule="constant", warmup_ratio=0)
    got = run(tmp_path, full)
    best = got.dev.step
    assert best < 24, "pick a learning rate that overshoots"
    cut = full.model_copy(update={"hyper": full.hyper.model_copy(update={"steps": best})})
    run(tmp_path, cut)
    left, right = weights(tmp_path, full), weights(tmp_path, cut)
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_best_weights_take_the_place_of_the_former_ones(world: Path, tmp_path: Path) -> None:
    training = _training(world, tmp_path)
    training.progress.step = 4
    training._keep_best(1.0, {})
    assert training.best is not None
    first, places = training.best, [value.data_ptr() for value in training.best.values()]
    with torch.no_grad():
        for value in training.loaded.model.parameters():
            value.add_(1)
    training._keep_best(2.0, {})
    assert training.best is first and [value.data_ptr() for value in first.values()] == places
    assert all(
        torch.equal(value, first[name])
        for name, value in training.loaded.model.state_dict().items()
    )


@pytest.mark.parametrize(
    ("every", "took", "since", "due"),
    [(60, 1, 61, 1), (60, 1, 59, 0), (60, 30, 61, 0), (60, 30, 271, 1), (0, 30, 0, 1)],
)
def test_partial_waits_nine_times_as_long_as_the_last_one_took(
    world: Path, tmp_path: Path, every: float, took: float, since: float, due: int
) -> None:
    training = _training(world, tmp_path, partial_every_seconds=every)
    training.loop_for(None).create_optimizer_and_scheduler(10)
    training.last_partial -= since
    training.partial_took = took
    training._partial()
    assert len(training.phase.partials()) == due


def test_partial_of_a_short_training_is_never_written(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class")
    with pytest.raises(Killed):
        run(tmp_path, spec, killer(8), partial_every_seconds=3600)
    assert not list((tmp_path / "phases" / spec.id / "partial").glob("*"))
