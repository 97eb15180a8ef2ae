"""What of a store nobody needs, and its removal."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xstilts.api.given import AnySweep, folder_of
from xstilts.errors import InputError
from xstilts.spec.addresses import is_address
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store
from xstilts.store.pruning import KINDS, Item, prunable, prune as pruned

RULES = ("chosen", "none")


@dataclass(frozen=True, kw_only=True)
class PruneResult:
    """What can go, or is gone."""

    store: str
    removed: bool
    """False: nothing was removed, `items` is what could be."""
    items: tuple[Item, ...]
    kept: int
    """Checkpoints that a sweep holds."""
    running: tuple[str, ...]
    """Sweeps that are being run; nothing is removed before they end."""
    device_seconds: dict[str, float]
    """Device to the seconds on it that making the checkpoints again would take."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        totals = {
            kind: {"number": len(own), "bytes": sum(item.bytes for item in own)}
            for kind in KINDS
            if (own := [item for item in self.items if item.kind == kind])
        }
        return {**asdict(self), "totals": totals, "bytes": sum(one.bytes for one in self.items)}


def prune(
    where: AnySweep,
    *,
    weights: str | None = None,
    dry_run: bool = False,
    store: str | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> PruneResult:
    """Removes what nobody needs of a store, or of one sweep: checkpoints that no sweep holds,
    partial checkpoints of phases that failed or were pruned, the weights of damaged phases that
    were moved aside, and Ray Train's leftovers. Never a record, never predictions.

    `where`: a store, a sweep or a sweep's folder. `weights`: which checkpoints these sweeps keep,
    `chosen` or `none`; without it their own `retention:`, or `chosen` where they keep all. Other
    sweeps of the store keep what their own `retention:` says. With `dry_run` nothing is removed.

    Raises LeaseHeld while a run needs any of it, StoreError where a sweep of the store can't be
    read, InputError for what is neither a store nor a sweep.
    """
    if weights not in (None, *RULES):
        raise InputError(f"weights is {weights!r}; must be `chosen` or `none`")
    home = _store(where)
    own = None
    if home is None:
        home, own = folder_of(where, store=store)
    folders = [own] if own else list(home.sweeps())
    found = prunable(home, folders, weights=weights, whole=own is None)
    items = found.items if dry_run else pruned(home, found, tell)
    return PruneResult(
        store=home.address,
        removed=not dry_run,
        items=items,
        kept=found.kept,
        running=found.running,
        device_seconds=found.device_seconds,
    )


def _store(where: AnySweep) -> Store | None:
    """The store, where `where` is one."""
    if isinstance(where, Sweep):
        return None
    address = os.fspath(where)
    known = is_address(address) or any(
        Path(address, name).is_dir() for name in ("phases", "sweeps")
    )
    return Store(address) if known else None
