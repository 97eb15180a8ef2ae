"""What names may be: of sweeps, models, tasks and mixtures, and of files.

A *name* that somebody gives stands in tables, commands and MLflow, and becomes a part of paths: of
a sweep's folder, of figures, of leases. So it has a pattern, `Name`, which leaves no room for a
folder, an option or a formula: ASCII letters, digits and `_ . + -`, beginning with a letter or a
digit, at most 64 characters.

A *part* is what stands between two slashes of a path: a language code, a phase id, the name of a
file in a dataset. Others chose it, so it may be almost anything; `strange` says why something can't
be one. `store.inside` joins parts to a path, and is the only place that does.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Annotated

from pydantic import Field

LONGEST_NAME = 64
"""Characters of a name."""
LONGEST_PART = 255
"""Bytes of a part: the most that Linux' file systems take."""
PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=PATTERN)]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a sweep, a model, a task or a mixture."""
    return len(text) <= LONGEST_NAME and re.fullmatch(PATTERN, text) is not None


@lru_cache(maxsize=4096)
def strange(part: str) -> str:
    """Why a text can't be one part of a path, after "its part ...": `is empty`; empty where it can
    be one.
    """
    if part == "":
        return "is empty"
    if part in (".", ".."):
        return f"is `{part}`"
    if "/" in part:
        return "has a slash"
    if _CONTROL.search(part):
        return "has a control character"
    try:
        size = len(os.fsencode(part))
    except UnicodeEncodeError:
        return "is not text"
    return f"is {size} bytes long, of at most {LONGEST_PART}" if size > LONGEST_PART else ""
