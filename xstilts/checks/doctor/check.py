"""The result of one of the doctor's checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was checked."""

    name: str
    ok: bool
    what: str
    """What was found."""
    fix: str = ""
    """What to do if something is wrong."""
    serious: bool = True
    """Whether a run would fail, or give wrong results, as it is."""

    @property
    def state(self) -> str:
        """`ok`, `warn` or `fail`."""
        return "ok" if self.ok else "fail" if self.serious else "warn"
