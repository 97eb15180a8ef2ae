"""A training whose micro-batches do not fit cuts them and goes on: the same batches, the same
numbers but for rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import toy
from tests.training.test_phase import run, spec_of, weights, world
from xstilts.errors import PhaseError
from xstilts.training.loop import Loop
from xstilts.training.phase import Report, run_phase

__all__ = ["world"]

CUDA = "CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0 has a total capacity of 1 GiB"


class Memory:
    """Lets micro-batches of more than `rows` rows run out of memory, from `update` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rows: int, update: int = 1) -> None:
        self.rows, self.update, self.sizes = rows, update, list[int]()
        monkeypatch.setattr(Loop, "compute_loss", self.wrapped(Loop.compute_loss))

    def wrapped(self, compute: Any) -> Any:
        def compute_loss(loop: Loop, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            n = sum(len(chunk["input_ids_BL"]) for chunk in inputs["chunks"])
            self.sizes.append(n)
            if n > self.rows and loop.state.global_step + 1 >= self.update:
                raise torch.OutOfMemoryError(CUDA)
            return compute(loop, model, inputs, *rest, **more)

        return compute_loss


def close(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(
        torch.allclose(one[name], two[name], atol=1e-5) for name in one
    )


@pytest.mark.parametrize("kind", ["class", "text"])
@pytest.mark.parametrize("update", [1, 5])
def test_training_short_of_memory_gives_the_same_numbers_with_smaller_micro_batches(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, update: int
) -> None:
    spec = spec_of(world, kind, base="dry", steps=10)
    whole = run(tmp_path / "whole", spec)
    memory, said = Memory(monkeypatch, rows=2, update=update), list[Report]()

    def report(one: Report) -> bool:
        said.append(one)
        return True

    got = run(tmp_path / "short", spec, report)
    assert (whole.halvings, got.halvings) == (0, 2)
    assert [one.step for one in said if one.doing == "halving micro-batches"] == [update - 1] * 2
    assert said[-1].halvings == 2
    assert memory.sizes == [8] * (update - 1) + [8, 4] + [2] * 4 * (11 - update)
    assert [(p.step, p.lr) for p in got.curve] == [(p.step, p.lr) for p in whole.curve]
    assert [p.loss for p in got.curve] == pytest.approx([p.loss for p in whole.curve], abs=1e-5)
    assert close(weights(tmp_path / "whole", spec), weights(tmp_path / "short", spec))


def test_training_that_fails_in_the_middle_of_an_update_applies_nothing_of_it(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(world, "class", base="dry", steps=6, grad_accumulation=2)
    whole = run(tmp_path / "whole", spec)
    compute, calls = Loop.compute_loss, list[int]()

    def compute_loss(loop: Loop, *rest: Any, **more: Any) -> Any:
        calls.append(loop.state.global_step)
        loss = compute(loop, *rest, **more)
        if len(calls) == 6:  # the second micro-batch of the third update, after its forward pass
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes")
        return loss

    monkeypatch.setattr(Loop, "compute_loss", compute_loss)
    got = run(tmp_path / "short", spec)
    assert got.halvings == 1 and len(calls) == 6 + 4 * 4
    assert got.loss == pytest.approx(whole.loss, abs=1e-5)
    assert close(weights(tmp_path / "whole", spec), weights(tmp_path / "short", spec))


def test_training_begins_with_the_halvings_that_it_is_given(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(monkeypatch, rows=4)
    got = run(tmp_path, spec_of(world, "class", steps=3), halvings=1)
    assert memory.sizes == [4] * 6 and got.halvings == 1


def test_training_whose_single_row_does_not_fit_fails_and_says_what_to_do(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(monkeypatch, rows=0)
    with pytest.raises(PhaseError, match=r"CUDA out of memory.*a micro-batch has one row already"):
        run_phase(spec_of(world, "class"), toy.context(tmp_path), toy.silent)
    assert memory.sizes == [8, 4, 2, 1]


def test_another_error_of_torch_is_no_shortage_of_memory(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute_loss(*given: Any, **more: Any) -> Any:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Loop, "compute_loss", compute_loss)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run_phase(spec_of(world, "class"), toy.context(tmp_path), toy.silent)
