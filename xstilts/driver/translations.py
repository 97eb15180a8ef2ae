"""Rows that a model translates, and who translates them now.

Rows are translated inside the first phase that reads them, before its first update. Until then no
other phase that reads the same rows is handed out: it would hold a GPU and wait.
"""

from __future__ import annotations

from xstilts.spec.phase import PhaseSpec


class Translations:
    """Which rows are translated already, and which running slot translates which."""

    def __init__(self) -> None:
        self._done: set[str] = set()
        self._under_way: dict[str, frozenset[str]] = {}
        """Running slot to the revisions of the rows that it translates first."""

    def must_wait(self, spec: PhaseSpec) -> bool:
        """Whether a phase reads rows that another slot translates now."""
        rows = translated_rows(spec) - self._done
        return any(rows & others for others in self._under_way.values())

    def begin(self, slot: str, spec: PhaseSpec) -> None:
        """A slot's phase was handed out."""
        self._under_way[slot] = translated_rows(spec) - self._done

    def finish(self, slot: str) -> None:
        """The slot's phase has its rows: it has taken an update, or has its record."""
        self._done |= self._under_way.pop(slot, frozenset())

    def abandon(self, slot: str) -> None:
        """The slot's phase ended; rows that it did not finish are another phase's to translate."""
        self._under_way.pop(slot, None)


def translated_rows(spec: PhaseSpec) -> frozenset[str]:
    """Revisions of the rows of a training that a model translates."""
    if spec.action != "train":
        return frozenset()
    members = (m for m in spec.members if m.task.transform and m.task.transform.translate)
    return frozenset(member.data_revision for member in members)
