"""How often micro-batches can be halved."""

from __future__ import annotations

import pytest

from tests.support import toy
from xstilts.errors import PhaseError
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.task import Source, Splits, Task
from xstilts.training import fits


def spec(batch_size: int, grad_accumulation: int = 1, format: str = "classification") -> PhaseSpec:
    task = Task(
        name="one",
        format=format,
        source=Source(files=("rows.jsonl",)),
        splits=Splits(train="train", test="test"),
        metric="accuracy",
        labels=("a", "b") if format == "classification" else (),
    )
    return toy.training("base", [task], batch_size=batch_size, grad_accumulation=grad_accumulation)


def test_each_halving_doubles_the_micro_batches() -> None:
    hyper = spec(32, 2).hyper
    assert [fits.accumulation(hyper, halvings) for halvings in range(3)] == [2, 4, 8]


@pytest.mark.parametrize(
    ("batch_size", "accumulation", "workers", "most"),
    [(8, 1, 1, 3), (8, 2, 1, 2), (8, 1, 2, 2), (6, 1, 1, 3), (1, 1, 1, 0)],
)
def test_micro_batches_are_halved_down_to_one_row(
    batch_size: int, accumulation: int, workers: int, most: int
) -> None:
    given = spec(batch_size, accumulation)
    for halvings in range(1, most + 1):
        fits.check(given, workers, halvings, "CUDA out of memory")
    with pytest.raises(PhaseError, match="CUDA out of memory; a micro-batch has one row already"):
        fits.check(given, workers, most + 1, "CUDA out of memory")


def test_batch_whose_candidates_compete_is_not_cut() -> None:
    with pytest.raises(PhaseError, match="the candidates of a one batch compete"):
        fits.check(spec(8, format="dual_encoder"), 1, 1, "CUDA out of memory")
