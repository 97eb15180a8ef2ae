"""The first process of a job: starts `xstilts` if the cluster has the right one.

This file is sent with the job and run as a script (`python start.py VERSION WORDS...`), so it must
run where no xstilts is. It ends with `OTHER_VERSION` where the cluster has none, or another one
than the sweep was submitted with; the submitter then sends its own.
"""

from __future__ import annotations

import importlib.util
import runpy
import socket
import sys

OTHER_VERSION = 78
"""Exit code: nothing was started, because the cluster's xstilts is not the submitter's."""
SAID = "this cluster has"
"""Begins what is said then."""

BEGINS = "this job runs xstilts"
"""Begins the first line of a job that has the right one."""


def start(wanted: str, words: list[str]) -> None:
    """Runs `xstilts WORDS` in this process."""
    if importlib.util.find_spec("ray") is None:
        sys.exit(
            f"the `python3` of this cluster's jobs is {sys.executable}, which has no ray: start "
            "the head with the folder of its own python first in PATH"
        )
    found = "no xstilts"
    try:
        from xstilts.version import __version__

        found = f"xstilts {__version__}"
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "xstilts":
            raise
    if found != f"xstilts {wanted.partition('+')[0]}":
        print(f"{SAID} {found}; the sweep was submitted with xstilts {wanted}", flush=True)
        sys.exit(OTHER_VERSION)
    print(f"{BEGINS} {wanted} on {socket.gethostname()}", flush=True)
    sys.argv = ["xstilts", *words]
    runpy.run_module("xstilts", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    start(sys.argv[1], sys.argv[2:])
