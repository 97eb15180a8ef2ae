"""Names that somebody may have put where a name is read, and a look at what they did."""

from __future__ import annotations

import os
from pathlib import Path

NAMES = (
    "../../x",
    "../x",
    "/abs",
    "//abs",
    "a/../b",
    "a/../../../x",
    "..",
    ".",
    "./x",
    "",
    "a\0b",
    "x" * 300,
    "a\nb",
    "a\x1b[31mb",
    "..\\x",
    ".hidden",
    "-rf",
    "x ",
    " x",
    "a/",
    "\u2025/x",
    "\uff0e\uff0e/x",
    "\u202ex",
    "~/x",
    "~root/x",
    "$HOME/x",
    "%2e%2e/x",
)
"""Each is no name of a sweep, a model or a task."""
LEADING_OUT = ("../../x", "../x", "/abs", "a/../b", "a/../../../x", "..", ".", "./x", "", "a\0b")
"""Those that would leave a folder, or could be taken for a folder, if they were joined to it."""


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All below a folder, hidden files too, with what changes when a file does; links are not
    followed.
    """
    found = {}
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            state = os.lstat(os.path.join(path, name))
            kind = (state.st_mode, state.st_ino)
            size = 0 if name in folders else state.st_size
            stamp = 0 if name in folders else state.st_mtime_ns
            found[os.path.relpath(os.path.join(path, name), folder)] = (*kind, size + stamp)
    return found
