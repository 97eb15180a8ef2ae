"""What a sweep has spent so far: hours of GPUs that its phases held, over all its runs.

    <store>/sweeps/<name>-v<version>/spent.json    kind of GPU to hours; "" where no kind was asked
                                                   for, "A100-80GB or L4" of a phase that ended
                                                   before it said on which it ran

Attempts that failed, were pruned or were interrupted count as well: a GPU was held. The driver that
has the sweep's lease writes it every few seconds, so a driver that is killed loses at most these.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xstilts.store.sealed import read_sealed, write_sealed

FILE = "spent.json"


def read_spent(folder: Path) -> dict[str, float] | None:
    """Kind of GPU to hours; None where there is no file, or a damaged one."""
    try:
        value = read_sealed(folder / FILE)
        return {str(kind): float(hours) for kind, hours in value.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def write_spent(folder: Path, hours: Mapping[str, float]) -> None:
    """Writes it. StoreError where the disk refuses."""
    write_sealed(folder / FILE, dict(hours))
