"""How much of a plan is done already, as far as this machine knows.

A phase is done when the store has its record, and which phase a slot is depends on the content of
its data and models. Here they are only looked at: no hub is asked, nothing is downloaded or
written. So what is not on this machine leaves some phases open: they are counted, with the reason.
Phases in the sweep's ledger are known in any case.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xstilts.api.known_here import KnownHere
from xstilts.planning.filling import known_phases
from xstilts.store.ledger import Ledger

if TYPE_CHECKING:
    from xstilts.api.opened import Opened


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Data or a model whose content is not known here."""

    what: str
    """`task ccg`, `model org/name`."""
    reason: str
    phases: int
    """Distinct phases of which it is not known, for this reason, whether they are done."""


@dataclass(frozen=True, kw_only=True)
class DoneAlready:
    """Distinct phases of a plan that have a record already."""

    phases: int = 0
    """Those that are known to have one."""
    slots: frozenset[str] = frozenset()
    """Identities of the slots that they fill."""
    open: int = 0
    """Those of which it is not known."""
    unread: list[Unread] = field(default_factory=list)
    """Why, most phases first; a phase may have several reasons."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        unread = [
            {"what": one.what, "phases": one.phases, "reason": one.reason} for one in self.unread
        ]
        return {"phases": self.open, "because": unread}


def done_already(opened: Opened) -> DoneAlready:
    """What the store of a sweep says of its plan."""
    if opened.store.empty:
        return DoneAlready()
    entries = Ledger(opened.folder).entries()
    here = KnownHere(opened.plan, opened.context)
    known = known_phases(here.plan, here.revisions, lambda slot: bool(here.lacks_in_lineage(slot)))
    done = opened.store.done({*known.values(), *(entry.phase for entry in entries if entry.phase)})
    in_ledger = {entry.slot: entry.phase for entry in entries if entry.phase in done}
    told = {slot.identity for slot in here.plan.slots if slot.key in in_ledger}
    open_slots = [
        slot
        for slot in here.plan.distinct().values()
        if slot.identity != slot.key and slot.identity not in told and here.lacks_in_lineage(slot)
    ]
    counts = Counter(what for slot in open_slots for what in here.lacks_in_lineage(slot))
    return DoneAlready(
        phases=len(set(in_ledger.values()) | ({*known.values()} & done)),
        slots=frozenset(
            slot.identity
            for slot in here.plan.slots
            if slot.key in in_ledger or known.get(slot.key) in done
        ),
        open=len(open_slots),
        unread=[
            Unread(what=what, reason=here.unknown[what], phases=count)
            for what, count in counts.most_common()
        ],
    )
