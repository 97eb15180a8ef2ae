"""What a check of the doctor says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    what: str
    """What was found."""
    fix: str = ""
    """What to do where it is not well."""
    serious: bool = True
    """Whether a run would fail, or give wrong results, as it is."""

    @property
    def state(self) -> str:
        """`ok`, `warn` or `fail`."""
        return "ok" if self.ok else "fail" if self.serious else "warn"
