"""Micro-batches of one worker, in the order of the plan, starting at any update.

A global batch is shared among workers (`batches.BatchPlan.shares`); this worker collates its own
shares, each in chunks of similar length. A micro-batch carries the factor for its loss: the number
of workers (gradients are averaged over them) divided by the loss items of the whole update. If a
batch is smaller than the number of shares, an empty share becomes one row with weight zero, since
all workers must take part.

A dual encoder's loss is a softmax over the candidates of its micro-batch, so its micro-batches are
not cut into chunks: `batch_size / grad_accumulation` candidates compete for each query. Several
workers would change that number, and with it what is learned, so they are refused.

Masks of a masked LM are drawn for the global batch, from (seed, update), and then cut, so a row's
mask does not depend on which worker has it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from xstilts import formats
from xstilts.errors import PhaseError
from xstilts.spec.format_specs import FORMATS, FormatName, FormatSpec
from xstilts.spec.seeds import subseed
from xstilts.training.batches import ROUND, Array, BatchPlan, chunks

CHUNK_OVERHEAD_TOKENS = {"cpu": 64, "cuda": 2048}
"""Cost of one more chunk on a device, in tokens; measured on a CPU, estimated on a GPU."""
PREFETCH = 4
"""Number of micro-batches made ahead on a GPU."""


class MicroBatch(TypedDict):
    """What the training loop gets."""

    member: int
    scale: float
    """Factor that turns the summed loss into this worker's share of the update's loss."""
    chunks: list[dict[str, Tensor]]
    """Collated rows; their losses are summed."""


@dataclass(frozen=True, kw_only=True)
class MemberFeatures:
    """One member's encoded features."""

    features: Any
    """A `datasets.Dataset`."""
    lengths: Array
    """Tokens of each feature."""
    format: FormatName

    @property
    def spec(self) -> FormatSpec:
        """The spec of its format."""
        return FORMATS[self.format]


@dataclass(frozen=True, kw_only=True)
class Loader:
    """All micro-batches of one worker; iterating begins at update `first`."""

    plan: BatchPlan
    members: Sequence[MemberFeatures]
    pad_id: int
    seed: int
    rank: int = 0
    workers: int = 1
    accumulation: int = 1
    first: int = 0
    device: str = "cpu"
    """Type of the device; for a GPU, a thread makes batches ahead."""

    @property
    def dataset(self) -> Loader:
        """Trainer counts the examples of this."""
        return self

    def __len__(self) -> int:
        return (len(self.plan) - self.first) * self.accumulation

    def __iter__(self) -> Iterator[MicroBatch]:
        return _ahead(self._make()) if self.device != "cpu" else self._make()

    def _make(self) -> Iterator[MicroBatch]:
        for update in range(self.first, len(self.plan)):
            yield from self.update(update)

    def update(self, update: int) -> list[MicroBatch]:
        """This worker's micro-batches of one update."""
        number = int(self.plan.member_U[update])
        member = self.members[number]
        scale = self.workers / max(1, int(self.plan.n_items_U[update]))
        whole = self._whole(update, member) if member.spec.random_inputs else None
        together = member.spec.whole_batches
        if together and self.workers > 1:
            raise PhaseError(
                f"a {member.format} task learns from the other rows of its batch, which "
                f"{self.workers} workers can't share; set `resources: {{workers: 1}}`"
            )
        micro_batches: list[MicroBatch] = []
        for places in self.plan.shares(update, self.workers, self.accumulation)[self.rank]:
            mine = places if len(places) else np.zeros(1, dtype=np.int64)
            lengths = member.lengths[self.plan.rows_UN[update, mine]]
            cuts = (
                [(0, len(mine))]
                if together
                else chunks(lengths, CHUNK_OVERHEAD_TOKENS[self.device])
            )
            collated = [
                self._collated(update, member, mine[first:end], None)
                if whole is None
                else _cut(whole, mine[first:end])
                for first, end in cuts
            ]
            micro_batches.append(
                {"member": number, "scale": scale if len(places) else 0.0, "chunks": collated}
            )
        return micro_batches

    def _whole(self, update: int, member: MemberFeatures) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(subseed(self.seed, "mask", update))
        return self._collated(update, member, np.arange(self.plan.rows_UN.shape[1]), generator)

    def _collated(
        self, update: int, member: MemberFeatures, places: Array, generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        features = member.features.__getitems__(self.plan.rows_UN[update, places].tolist())
        return formats.get(member.format).collate(features, self.pad_id, generator)


def _cut(whole: dict[str, Tensor], places: Array) -> dict[str, Tensor]:
    """Some rows of a collated batch, without the padding that only the others needed."""
    longest = int(whole["attention_mask_BL"][places].sum(dim=1).max())
    width = max(ROUND, -(-longest // ROUND) * ROUND)
    return {name: value[places, :width] for name, value in whole.items()}


def _ahead(micro_batches: Iterator[MicroBatch]) -> Iterator[MicroBatch]:
    """The same items, made ahead in a thread that ends when the consumer does."""
    box: queue.Queue[Any] = queue.Queue(maxsize=PREFETCH)
    over = threading.Event()
    end = object()

    def put(item: Any) -> bool:
        while not over.is_set():
            try:
                box.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in micro_batches:
                if not put(item):
                    return
            put(end)
        except BaseException as error:
            put(error)

    threading.Thread(target=work, daemon=True, name="xstilts-batches").start()
    try:
        while (item := box.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
