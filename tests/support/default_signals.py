"""Processes of tests get the signals as an interactive shell gives them: under `nohup`, or in the
background of a script, some are ignored, and children inherit that.
"""

from __future__ import annotations

import signal


def default_signals() -> None:
    """To be run in the child before its program (`preexec_fn`)."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
