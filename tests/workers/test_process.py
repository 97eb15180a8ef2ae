"""A clean slate for every phase."""

from __future__ import annotations

import os
import random
from typing import ClassVar

import numpy as np
import pytest
import torch

from xstilts.workers import process


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_clean_gives_the_same_randomness_whatever_went_before() -> None:
    alone = process.world()
    with process.clean(alone, seed=3, threads=1):
        first = draws()
    torch.rand(9)
    with process.clean(alone, seed=3, threads=1):
        assert draws() == first
    with process.clean(alone, seed=4, threads=1):
        assert draws() != first


def test_clean_hides_another_groups_variables_and_puts_them_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)
    with process.clean(process.world(), seed=1, threads=1):
        assert "LOCAL_RANK" not in os.environ and "ACCELERATE_MIXED_PRECISION" not in os.environ
        assert os.environ["ACCELERATE_TORCH_DEVICE"] == str(process.world().device)
    assert os.environ["LOCAL_RANK"] == "3" and os.environ["ACCELERATE_MIXED_PRECISION"] == "fp16"
    assert "ACCELERATE_TORCH_DEVICE" not in os.environ


def test_clean_forgets_accelerates_singletons() -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    with process.clean(process.world(), seed=1, threads=1):
        Accelerator(cpu=True)
    assert PartialState._shared_state == {} and AcceleratorState._shared_state == {}


def test_clean_sets_the_threads() -> None:
    with process.clean(process.world(), seed=1, threads=2):
        assert torch.get_num_threads() == 2
    with process.clean(process.world(), seed=1, threads=1):
        assert torch.get_num_threads() == 1


def test_world_alone_answers_itself() -> None:
    alone = process.world()
    assert (alone.rank, alone.size, alone.first) == (0, 1, True)
    assert alone.from_first("x") == "x" and alone.gather(5) == [5] and alone.lowest(-1) == -1


def test_provenance_names_versions_and_times() -> None:
    made = process.provenance(process.world(), threads=1, started=0.0)
    assert (
        made["versions"]["torch"] == torch.__version__
        and made["started"] == "1970-01-01T00:00:00+00:00"
    )
    assert made["workers"] == 1 and made["seconds"] > 0


# -- work of the first worker alone


class Wired(process.World):
    """A worker whose broadcasts go through a list instead of a group."""

    box: ClassVar[list[object]] = []

    def from_first(self, value: object) -> object:
        if self.first:
            Wired.box = [value]
        return Wired.box[0]


def pair() -> tuple[Wired, Wired]:
    first, second = (Wired(rank=rank, size=2, device=torch.device("cpu")) for rank in (0, 1))
    return first, second


def test_on_first_gives_every_worker_what_the_first_one_found() -> None:
    first, second = pair()
    assert first.on_first(lambda: {"f1": 0.5}) == {"f1": 0.5}
    assert second.on_first(lambda: pytest.fail("the second worker works")) == {"f1": 0.5}


def test_on_first_failure_is_told_to_those_that_wait_for_it() -> None:
    first, second = pair()

    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        first.on_first(full)
    with pytest.raises(RuntimeError, match="the first worker failed"):
        second.on_first(full)


def test_on_first_of_one_worker_is_the_work_itself() -> None:
    assert process.world().on_first(lambda: 3) == 3


@pytest.mark.parametrize(("threads", "parallel"), [(1, "false"), (2, "true")])
def test_clean_gives_tokenizers_the_threads_of_the_phase(threads: int, parallel: str) -> None:
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    with process.clean(process.world(), seed=1, threads=threads):
        assert os.environ["RAYON_NUM_THREADS"] == str(threads)
        assert os.environ["TOKENIZERS_PARALLELISM"] == parallel
    assert os.environ.get("TOKENIZERS_PARALLELISM") == before
