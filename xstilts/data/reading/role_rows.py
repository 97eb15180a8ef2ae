"""Rows under their roles, with what is wrong with them and what was left out.

Whatever takes rows out says why. For each row that is left out it is known how many rows before it
stay, so that a table that is cut has left out only what lies in the part that stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class RoleRows:
    """Rows under their roles, or what is wrong with them."""

    table: pa.Table | None
    """None where something is wrong."""
    problems: list[str] = field(default_factory=list)
    lost: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Why rows of the source are not in the table, in words that follow a number (`rows with a
    hidden label`), to how many rows of the table lie before each of them, ascending.
    """

    @property
    def left_out(self) -> dict[str, int]:
        """Why rows of the source are not in the table, to how many."""
        return {reason: len(places) for reason, places in self.lost.items() if places}

    def without(self, flags: Sequence[bool], reason: str) -> RoleRows:
        """The rows that are not flagged; the others are left out for `reason`."""
        import pyarrow as pa

        if self.table is None or not any(flags):
            return self
        before = list(accumulate((not flag for flag in flags), initial=0))
        moved = {why: [before[at] for at in places] for why, places in self.lost.items()}
        new = [before[row] for row, flag in enumerate(flags) if flag]
        table = self.table.filter(pa.array([not flag for flag in flags], pa.bool_()))
        merged = sorted([*moved.get(reason, ()), *new])
        return RoleRows(table=table, lost={**moved, reason: merged})

    def behind(self, counts: Mapping[str, int]) -> RoleRows:
        """The rows, where others that never became rows (reason to number) were lost with them."""
        lost = dict(self.lost)
        for reason, rows in counts.items():
            lost[reason] = [0] * rows + list(lost.get(reason, ()))
        return replace(self, lost=lost)

    def first(self, limit: int | None) -> RoleRows:
        """At most `limit` rows from the beginning."""
        if self.table is None or limit is None or self.table.num_rows <= limit:
            return self
        lost = {why: [at for at in places if at < limit] for why, places in self.lost.items()}
        return replace(self, table=self.table.slice(0, limit), lost=lost)


def wrong(problems: Iterable[str]) -> RoleRows:
    """No rows, and why."""
    return RoleRows(table=None, problems=list(problems))


def joined(parts: Sequence[RoleRows]) -> RoleRows:
    """Rows of several tables one after the other; all of them must have a table."""
    import pyarrow as pa

    tables = [part.table for part in parts if part.table is not None]
    starts = accumulate((table.num_rows for table in tables), initial=0)
    lost: dict[str, list[int]] = {}
    for start, part in zip(starts, parts, strict=False):
        for reason, places in part.lost.items():
            lost.setdefault(reason, []).extend(start + at for at in places)
    return RoleRows(table=pa.concat_tables(tables), lost=lost)
