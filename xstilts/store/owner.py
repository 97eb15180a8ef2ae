"""Who holds a lease: what its file says, and what can be known here of that process.

The file carries a digest of itself, so that a flipped bit makes a damaged file and never another
owner. What is known of a process is known only in the same PID namespace of the same boot: two
containers may have one host name, and a process id means nothing on another machine or after a
reboot. The start time of the process tells whether its id was given to another one.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from xstilts.spec.digests import digest

Life = Literal["ended", "stopped", "alive", "unknown"]
"""What is known of a process: `stopped` is one that was suspended (Ctrl-Z, SIGSTOP, a debugger);
`unknown` one that can't be judged from here.
"""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The content of a lease's file."""

    token: str
    """Unique to one lease object."""
    host: str
    pid: int
    process: str
    """Machine, PID namespace and start of the process; empty where the system does not say."""
    beat: float
    """Seconds since 1970, by the owner's clock."""
    seconds: float
    """Duration of the lease, as its owner keeps it."""

    def content(self) -> bytes:
        """The file."""
        values = asdict(self)
        return json.dumps({**values, "digest": digest(values)}).encode()


def owner_of(content: bytes) -> Owner | None:
    """The owner that a file names; None where the file is not as an owner wrote it."""
    try:
        values = json.loads(content)
        written = values.pop("digest")
        return Owner(**values) if digest(values) == written else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def life_of(owner: Owner) -> Life:
    """What is known here of the owner's process."""
    here = process_identity(os.getpid()).rpartition("/")[0]
    if not here or not owner.process.startswith(f"{here}/"):
        return "unknown"
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return "ended"
    except OSError:
        pass  # it exists and belongs to another user
    try:
        state, start = _state_and_start(owner.pid)
    except OSError:
        return "unknown"  # it is hidden from here, or has just ended
    if state in "ZX" or owner.process != f"{here}/{start}":
        return "ended"
    return "stopped" if state in "Tt" else "alive"


def process_identity(pid: int) -> str:
    """Boot, PID namespace and start time of a process on this machine; empty where the system does
    not say. A zombie has `ended` instead of its start time.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
        state, start = _state_and_start(pid)
    except (OSError, ValueError):
        return ""
    return f"{boot}/{space}/{'ended' if state in 'ZX' else start}"


def _state_and_start(pid: int) -> tuple[str, str]:
    """State letter and start time (in ticks since the boot) of a process, as `man 5 proc` has them
    in `/proc/<pid>/stat`. OSError where there is none.
    """
    state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return state, numbers[18]
