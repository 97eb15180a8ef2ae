"""What of a store can go: the files that nothing needs, their bytes, and what making them again
would cost.

    weights    checkpoints that no sweep holds (`retention.py`)
    partials   partial checkpoints of phases that failed or were pruned
    damaged    the weights of damaged phases that were moved aside
    train      what Ray Train left of phases with several workers

Records and predictions are never among them. Nothing goes of what a process works on: a sweep that
is being run is left alone as a whole, and each phase is looked at under its lease.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import LeaseHeld
from xstilts.spec.sweep import Retention
from xstilts.store.phases import Store
from xstilts.store.results import TrainResult
from xstilts.store.retention import Claims, checkpoint_size, claims_of, drop

KINDS = ("weights", "partials", "damaged", "train")
WHY = "no sweep of this store holds it"
_DAMAGED = ("model", "partial")
"""Parts of a phase that was moved aside that can go."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something that can go."""

    kind: str
    """One of `KINDS`."""
    name: str
    """Phase id, or name of a folder in `damaged/` or `train/`."""
    bytes: int
    sweeps: tuple[str, ...] = ()
    """`<name>-v<version>` of the sweeps in whose ledgers the phase is."""
    device: str = ""
    """What the phase was trained on: a GPU's name, or the machine's architecture."""
    device_seconds: float = 0.0
    """Time to train it again on as many of these devices as before, summed over them."""


@dataclass(frozen=True, kw_only=True)
class Prunable:
    """What can go."""

    items: tuple[Item, ...]
    kept: int
    """Checkpoints that a sweep holds."""
    running: tuple[str, ...]
    """Of each sweep that is being run, and has any of the items, which process runs it."""

    @property
    def device_seconds(self) -> dict[str, float]:
        """Device to the time on it that making everything again would take."""
        found: Counter[str] = Counter()
        for item in self.items:
            if item.device:
                found[item.device] += item.device_seconds  # type: ignore[assignment]
        return dict(found)


def prunable(store: Store, own: Sequence[Path], *, weights: str | None, whole: bool) -> Prunable:
    """What can go of the sweeps in the folders `own`.

    `weights`: the rule for these sweeps, `chosen` or `none`; None: their own `retention:`, or
    `chosen` where they keep all. With `whole`, also what belongs to no sweep. StoreError where a
    sweep of the store can't be read: nobody knows then what it needs.
    """
    sweeps = {
        folder: _claims(folder, weights) if folder in own else claims_of(folder)
        for folder in store.sweeps()
    }
    pruned = [claims for folder, claims in sweeps.items() if folder in own]
    items = [
        *_weights(store, pruned, list(sweeps.values()), whole),
        *_partials(store, pruned),
        *_damaged(store, pruned, whole),
        *_train(store, pruned, whole),
    ]
    affected = {name for item in items for name in item.sweeps}
    held = frozenset().union(*(claims.held for claims in sweeps.values()))
    return Prunable(
        items=tuple(items),
        kept=sum(1 for phase in held if checkpoint_size(store, phase)),
        running=tuple(filter(None, (_driver(store, name) for name in sorted(affected)))),
    )


def prune(
    store: Store, found: Prunable, tell: Callable[[int, int], None] = lambda done, of: None
) -> tuple[Item, ...]:
    """Removes what can go; returns what is gone. LeaseHeld where a sweep that has any of it is
    being run. `tell` is told how many are done, of how many.
    """
    if found.running:
        raise LeaseHeld(
            f"{found.running[0]}; a run drops what its sweep does not keep by itself "
            "(`retention:`); prune when it has ended"
        )
    gone = []
    for number, item in enumerate(found.items):
        tell(number, len(found.items))
        if _remove(store, item):
            gone.append(item)
    tell(len(found.items), len(found.items))
    return tuple(gone)


def _claims(folder: Path, weights: str | None) -> Claims:
    asked = None if weights is None else Retention.model_validate({"weights": weights})
    own = claims_of(folder, asked)
    if asked is None and own.rule == "all":
        return claims_of(folder, Retention(weights="chosen"))
    return own


def _driver(store: Store, sweep: str) -> str:
    """Which process runs a sweep; empty where none does."""
    try:
        store.lease(f"sweep-{sweep}").look()
    except LeaseHeld as held:
        return str(held)
    return ""


def _weights(
    store: Store, pruned: Sequence[Claims], every: Sequence[Claims], whole: bool
) -> Iterable[Item]:
    held = {phase for claims in every for phase in claims.held}
    known = {phase for claims in every for phase in claims.known}
    free = {phase for claims in pruned for phase in claims.free}
    if whole:
        free |= store.done() - known
    for phase in sorted(free - held):
        if size := checkpoint_size(store, phase):
            device, seconds = _cost(store, phase)
            yield Item(
                kind="weights",
                name=phase,
                bytes=size,
                sweeps=_sweeps(phase, every),
                device=device,
                device_seconds=seconds,
            )


def _cost(store: Store, phase: str) -> tuple[str, float]:
    """On what a phase was trained, and for how long, summed over its workers."""
    record = store.phase(phase).record()
    result, where = record.result, record.provenance
    seconds = result.seconds if isinstance(result, TrainResult) else where.seconds
    return where.device, seconds * where.workers


def _partials(store: Store, pruned: Sequence[Claims]) -> Iterable[Item]:
    open_somewhere = {phase for claims in pruned for phase in claims.known - claims.ended_badly}
    for phase in sorted({p for claims in pruned for p in claims.ended_badly} - open_somewhere):
        size = sum(store._files.sizes(f"phases/{phase}/partial").values())
        if size and not store.phase(phase).done:
            yield Item(kind="partials", name=phase, bytes=size, sweeps=_sweeps(phase, pruned))


def _damaged(store: Store, pruned: Sequence[Claims], whole: bool) -> Iterable[Item]:
    for name in store._files.names("damaged"):
        sweeps = _sweeps(name.rpartition("-")[0], pruned)
        sizes = (store._files.sizes(f"damaged/{name}/{part}").values() for part in _DAMAGED)
        size = sum(sum(own) for own in sizes)
        if size and (sweeps or whole):
            yield Item(kind="damaged", name=name, bytes=size, sweeps=sweeps)


def _train(store: Store, pruned: Sequence[Claims], whole: bool) -> Iterable[Item]:
    for name in store._files.names("train"):
        phase = name.rpartition("-")[0]
        sweeps = _sweeps(phase, pruned)
        if (sweeps or whole) and not _at_work(store, phase, f"worker-{phase}"):
            size = sum(store._files.sizes(f"train/{name}").values())
            yield Item(kind="train", name=name, bytes=size, sweeps=sweeps)


def _at_work(store: Store, *leases: str) -> bool:
    """Whether a process may have one of these leases."""
    try:
        for name in leases:
            store.lease(name).look()
    except LeaseHeld:
        return True
    return False


def _sweeps(phase: str, several: Iterable[Claims]) -> tuple[str, ...]:
    return tuple(claims.sweep for claims in several if phase in claims.known)


def _remove(store: Store, item: Item) -> bool:
    """Removes one item; False where another process works on it now, or it is gone."""
    if item.kind == "weights":
        return bool(drop(store, item.name, "xstilts prune", WHY))
    parts: Mapping[str, tuple[str, ...]] = {
        "partials": (f"phases/{item.name}/partial",),
        "damaged": tuple(f"damaged/{item.name}/{part}" for part in _DAMAGED),
        "train": (f"train/{item.name}",),
    }
    phase = item.name if item.kind == "partials" else item.name.rpartition("-")[0]
    try:
        with store.lease(phase).kept():
            if item.kind == "train" and _at_work(store, f"worker-{phase}"):
                return False
            for part in parts[item.kind]:
                store._files.remove(part)
    except LeaseHeld:
        return False
    return True
