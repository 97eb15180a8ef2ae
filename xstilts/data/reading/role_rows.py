"""Rows under their roles, with what is wrong with them and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class RoleRows:
    """Rows under their roles, or what is wrong with them."""

    table: pa.Table | None
    """None where something is wrong."""
    problems: list[str] = field(default_factory=list)
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why rows of the source are not in the table, in words that follow a number (`rows with a
    hidden label`), to how many.
    """


def wrong(problems: Iterable[str]) -> RoleRows:
    """No rows, and why."""
    return RoleRows(table=None, problems=list(problems))


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Rows by reason, over several tables."""
    whole: Counter[str] = Counter()
    for one in counts:
        whole.update(one)
    return dict(whole)
