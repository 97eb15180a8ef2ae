"""Dropped checkpoints that a run is asked to make again, though nothing starts from them.

A run makes a dropped checkpoint again by itself where a phase is to start from it (`board`). Who
wants one for another purpose, such as `xstilts export`, asks for it by its phase's id, or the
beginning of it, or by a slot of the sweep as `xstilts status` names it. What it started from is
made again first where that was dropped too. It stays for this run: where the sweep's `retention:`
lets it go, the next run drops it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xstilts.errors import InputError, nearest
from xstilts.store.ledger import Entry

SHORTEST = 6
"""Letters of a phase's id that say which is meant."""


def phases_of(asked: Iterable[str], entries: Sequence[Entry]) -> list[str]:
    """The phases that are asked for, by a sweep's ledger. InputError for what stands for no phase,
    for several, or for one that never has a checkpoint.
    """
    return list(dict.fromkeys(_phase_of(one, entries) for one in asked))


def _phase_of(asked: str, entries: Sequence[Entry]) -> str:
    begun = [one for one in entries if one.phase]
    meant = [one for one in begun if asked == one.slot]
    if not meant and len(asked) >= SHORTEST:
        meant = [one for one in begun if one.phase.startswith(asked)]
    found = {one.phase for one in meant}
    if not found:
        near = nearest(asked, [one.slot for one in begun if one.kind != "evaluate"])
        raise InputError(
            f'--remake: the sweep has no phase "{asked}", and none was begun for a slot of this '
            f"name{near}"
        )
    if len(found) > 1:
        raise InputError(
            f'--remake: {len(found)} phases of the sweep begin with "{asked}": '
            f"{', '.join(sorted(found)[:3])}; give more of the id"
        )
    if all(one.kind == "evaluate" for one in meant):
        raise InputError(
            f"--remake: {asked} is an evaluation, which has no checkpoint; name the training that "
            f"it scores{f', {meant[0].train_phase}' if meant[0].train_phase else ''}"
        )
    return found.pop()
