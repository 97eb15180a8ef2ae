"""What a run holds on to: the right to drive its sweep, and the plan that its name and version
stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xstilts.errors import Problem, SweepError
from xstilts.spec.digests import differences
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import Lease
from xstilts.store.local_files import write_json
from xstilts.store.phases import Store

_NOT_THE_PLAN = ("resources", "budget", "store", "tracking", "mirror", "description")
_SHOWN = 6


def lease_of(opened: Store, loaded: Sweep) -> Lease:
    """The lease that the driver of a sweep holds."""
    return opened.lease(f"sweep-{loaded.name}-v{loaded.version}")


@contextmanager
def driver(opened: Store, loaded: Sweep) -> Iterator[None]:
    """The right to run this sweep: one driver at a time. LeaseHeld where another has it."""
    with lease_of(opened, loaded).kept():
        yield


def same_plan(folder: Path, loaded: Sweep) -> None:
    """Keeps the sweep beside its ledger; SweepError where its name and version stand for another
    plan there.

    A damaged file is written again.
    """
    path = folder / "sweep.json"
    before = _read(path)
    if before is not None:
        changes = list(differences(_plan_of(before), _plan_of(loaded)))
        if changes:
            shown = "; ".join(
                f"{where}: {old!r} -> {new!r}" for where, old, new in changes[:_SHOWN]
            )
            more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
            message = (
                f"{loaded.name} version {loaded.version} stands for another plan in "
                f"{folder}: {shown}{more}; "
                "raise `version`, or change it back (finished phases are shared all the same)"
            )
            raise SweepError([Problem(message=message)])
    write_json(path, loaded.model_dump(mode="json"))


def _read(path: Path) -> Sweep | None:
    try:
        return Sweep.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _plan_of(sweep: Sweep) -> dict[str, Any]:
    return {k: v for k, v in sweep.model_dump(mode="json").items() if k not in _NOT_THE_PLAN}
