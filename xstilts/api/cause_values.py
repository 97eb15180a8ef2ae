"""What `why` returns: an answer for each slot, and the answers summed up by cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xstilts.planning.changes import PARENT, Change

Standing = Literal["done", "new", "open"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is known of one slot before a run."""

    slot: str
    standing: Standing
    """`done`: it has a record; `new`: it has none; `open`: its phase can't be known yet."""
    phase: str = ""
    reason: str = ""
    """Why its phase is open."""
    waits_for: str = ""
    """The search or slot that an open phase waits for, if any."""
    nearest: str = ""
    """The recorded phase that is most like it; empty where there is none."""
    changes: tuple[Change, ...] = ()
    parent: str = ""
    """The slot that it starts from, where that is known."""
    ledger: str = ""
    """How it stands in the ledger, if it failed, was pruned or is blocked."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        told = [
            {"field": c.field, "old": c.old, "new": c.new, "said": c.said} for c in self.changes
        ]
        return {**vars(self), "changes": told}


@dataclass(frozen=True, kw_only=True)
class WhyResult:
    """The answers for all slots of a sweep, parents first, or for one of them."""

    sweep: str
    answers: Mapping[str, Answer]
    slot: str | None = None
    """The slot that was asked about."""

    def chain(self, slot: str) -> list[Answer]:
        """A slot, then what it starts from as long as that is new, too; the last is the root."""
        found = [self.answers[slot]]
        while found[-1].parent and any(c.field == PARENT for c in found[-1].changes):
            before = self.answers[found[-1].parent]
            if before.standing != "new":
                break
            found.append(before)
        return found

    def causes(self) -> list[dict[str, Any]]:
        """New phases by the fields that differ in them or in what they start from, most phases
        first.
        """
        groups: dict[tuple[str, ...], dict[str, Answer]] = {}
        for answer in self.answers.values():
            if answer.standing == "new":
                fields = tuple(self._reasons(answer))
                groups.setdefault(fields, {}).setdefault(answer.phase, answer)
        found = [self._cause(fields, list(members.values())) for fields, members in groups.items()]
        return sorted(found, key=lambda cause: -cause["phases"])

    def _reasons(self, answer: Answer) -> dict[str, Change]:
        """Field to the change that makes a phase new, those of the root first; empty where nothing
        like the phase, or like what it starts from, has a record.
        """
        chain = self.chain(answer.slot)
        if not all(one.nearest for one in chain):
            return {}
        root, *others = reversed(chain)
        own = [change for one in others for change in one.changes if change.field != PARENT]
        return {change.field: change for change in (*own, *root.changes)}

    def _cause(self, fields: tuple[str, ...], members: list[Answer]) -> dict[str, Any]:
        said = {tuple(change.said for change in self._reasons(one).values()) for one in members}
        inherited = [[c.field for c in one.changes] == [PARENT] for one in members]
        example = self.chain(members[0].slot)[-1]
        several = [f"{field} (several values)" for field in fields]
        return {
            "fields": list(fields),
            "changes": list(next(iter(said))) if len(said) == 1 else several,
            "phases": len(members),
            "by_parent": sum(
                only and len(self.chain(one.slot)) > 1
                for only, one in zip(inherited, members, strict=True)
            ),
            "example": example.slot,
            "nearest": example.nearest,
        }

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        if self.slot is not None:
            chain = self.chain(self.slot)
            told = {"because": [one.to_json() for one in chain[1:]]}
            return {"sweep": self.sweep, **chain[0].to_json(), **told}
        answers = list(self.answers.values())
        reasons: dict[str, list[str]] = {}
        for one in answers:
            if one.standing == "open":
                reasons.setdefault(one.reason, []).append(one.slot)
        return {
            "sweep": self.sweep,
            "slots": {
                kind: sum(one.standing == kind for one in answers)
                for kind in ("done", "new", "open")
            },
            "causes": self.causes(),
            "open": [
                {"reason": reason, "slots": len(slots), "example": slots[0]}
                for reason, slots in sorted(reasons.items(), key=lambda pair: -len(pair[1]))
            ],
            "ledger": [{"slot": one.slot, "state": one.ledger} for one in answers if one.ledger],
        }
