"""Micro-batches: the same work however it is shared out, cut or made ahead."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from tests.support import toy
from xstilts.data import task_data
from xstilts.errors import PhaseError
from xstilts.sources.context import DataContext
from xstilts.training import batches
from xstilts.training.micro_batches import Loader, MemberFeatures


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.write_rows(folder / "rows")
    return folder


def loader(
    world: Path, kind: str = "class", steps: int = 5, batch_size: int = 8, **changes: Any
) -> Loader:
    context = DataContext(cache=str(world / "data"))
    encoded = task_data.encoded(
        toy.task(kind, world / "rows"), "train", None, toy.tokenizer(), toy.hyper(), context
    )
    rows = batches.MemberRows(
        lengths=encoded.lengths, n_items=encoded.n_items, n_rows=len(encoded.rows)
    )
    member = MemberFeatures(
        features=encoded.features, lengths=encoded.lengths, format=toy.FORMATS[kind][0]
    )
    plan = batches.plan_batches([rows], seed=1, steps=steps, batch_size=batch_size)
    return Loader(plan=plan, members=[member], pad_id=1, seed=1, **changes)


def rows_of(chunks: list[dict[str, torch.Tensor]]) -> list[tuple[int, ...]]:
    """Inputs with their masks and labels, one a row, padding cut off, sorted."""
    found = []
    for chunk in chunks:
        for i, length in enumerate(chunk["attention_mask_BL"].sum(dim=1).tolist()):
            per_row = [value[i, :length] for value in chunk.values() if value.ndim == 2]
            found.append(tuple(torch.cat(per_row).tolist()))
    return sorted(found)


@pytest.mark.parametrize("kind", ["class", "text", "tags"])
@pytest.mark.parametrize(("workers", "accumulation"), [(2, 1), (3, 2), (1, 4)])
def test_shares_together_are_the_batch_of_one_worker(
    world: Path, kind: str, workers: int, accumulation: int
) -> None:
    alone = loader(world, kind).update(2)
    shared = [
        micro
        for rank in range(workers)
        for micro in loader(
            world, kind, workers=workers, accumulation=accumulation, rank=rank
        ).update(2)
        if micro["scale"]
    ]
    everything = [chunk for micro in shared for chunk in micro["chunks"]]
    assert rows_of(everything) == rows_of(alone[0]["chunks"])
    assert all(micro["scale"] == pytest.approx(workers * alone[0]["scale"]) for micro in shared)


def test_masks_differ_from_update_to_update_and_follow_the_seed(world: Path) -> None:
    one = loader(world, "text", batch_size=96)
    assert rows_of(one.update(0)[0]["chunks"]) != rows_of(one.update(1)[0]["chunks"])
    assert rows_of(one.update(0)[0]["chunks"]) == rows_of(
        loader(world, "text", batch_size=96).update(0)[0]["chunks"]
    )


def test_worker_without_rows_gets_one_that_weighs_nothing(world: Path) -> None:
    micro = loader(world, batch_size=1, workers=2, rank=1).update(0)[0]
    assert (
        micro["scale"] == 0
        and len(micro["chunks"]) == 1
        and len(micro["chunks"][0]["labels_B"]) == 1
    )


def test_chunks_of_a_batch_are_alike_in_length(world: Path) -> None:
    made = loader(world, batch_size=64)
    shapes = [chunk["input_ids_BL"].shape for chunk in made.update(0)[0]["chunks"]]
    assert sum(rows for rows, _ in shapes) == 64 and len(shapes) > 1
    assert [width for _, width in shapes] == sorted((width for _, width in shapes), reverse=True)


def pooled_loader(**changes: Any) -> Loader:
    """Two updates of eight rows of a dual encoder, of very different lengths."""
    sizes = [2, 3, 5, 9, 17, 20, 25, 30] * 2
    features = datasets.Dataset.from_dict(
        {
            "input_ids": [
                [[0, 9, 2], [0, *[9 + number] * size, 2]] for number, size in enumerate(sizes)
            ],
            "row": list(range(16)),
            "key": [str(number) for number in range(16)],
            "n_items": [1] * 16,
            "length": [size + 5 for size in sizes],
        }
    )
    lengths = np.array(features["length"])
    rows = batches.MemberRows(lengths=lengths, n_items=np.ones(16, dtype=np.int64), n_rows=16)
    plan = batches.plan_batches([rows], seed=1, steps=2, batch_size=8)
    member = MemberFeatures(features=features, lengths=lengths, format="dual_encoder")
    return Loader(plan=plan, members=[member], pad_id=1, seed=1, **changes)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_micro_batch_of_a_dual_encoder_stays_whole(accumulation: int) -> None:
    made = pooled_loader(accumulation=accumulation).update(1)
    assert [len(micro["chunks"]) for micro in made] == [1] * accumulation
    assert all(micro["chunks"][0]["same_FF"].shape == (8 // accumulation,) * 2 for micro in made)


def test_dual_encoder_on_several_workers_is_an_error() -> None:
    with pytest.raises(PhaseError, match="which 2 workers can't share"):
        pooled_loader(workers=2).update(0)


def test_loader_begins_at_the_update_it_is_told(world: Path) -> None:
    late, whole = list(loader(world, first=3)), list(loader(world))
    assert len(loader(world, first=3, accumulation=2)) == 4
    assert [rows_of(m["chunks"]) for m in late] == [rows_of(m["chunks"]) for m in whole[3:]]


def test_batches_made_ahead_are_the_same_and_their_thread_ends(world: Path) -> None:
    plain = [rows_of(m["chunks"]) for m in loader(world, steps=20)]
    assert [rows_of(m["chunks"]) for m in loader(world, steps=20, device="cuda")] == plain
    early = iter(loader(world, steps=20, device="cuda"))
    next(early)
    thread = next(t for t in threading.enumerate() if t.name == "xstilts-batches")
    early.close()  # type: ignore[attr-defined]
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_error_in_a_batch_made_ahead_reaches_the_consumer(world: Path) -> None:
    broken = loader(world, device="cuda")
    broken.plan.rows_UN[1] = 10**6
    with pytest.raises(IndexError):
        list(broken)
