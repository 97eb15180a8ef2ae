"""Times a verb as a user starts it, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.worlds import environment


def timed(verb: str, sweep: Path) -> tuple[Any, str]:
    """What `xstilts VERB SWEEP --json` prints, and its wall and CPU seconds in words. SystemExit
    where it fails.
    """
    before, began = _cpu(), time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "xstilts", verb, str(sweep), "--json"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    took, cpu = time.perf_counter() - began, _cpu() - before
    if ran.returncode:
        raise SystemExit(f"{verb} ended with {ran.returncode}: {ran.stderr[-2000:]}")
    return json.loads(ran.stdout), f"{took:8.1f} s ({cpu:.1f} s CPU)"


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
