"""The one place where a name becomes a path.

Names come from sweep files, records, ledgers, listings of hubs and mirrors: from others. `inside`
joins one to the folder that it belongs in and refuses to leave that folder, whatever the name holds
(`..`, a leading slash, a zero byte) and wherever links lead. The folder itself may be a link, and
so may folders above it: whoever chose the folder chose that. A link below it may lead to another
place below it, and nowhere else.

Links are looked at when the path is made. Whoever can write to the folder at that very moment can
put a link there afterwards, and could as well write the files themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from xstilts.errors import StoreError, XstiltsError, visible
from xstilts.spec.names import strange


def inside(root: str | Path, name: str, *, error: type[XstiltsError] = StoreError) -> Path:
    """The path of `name`, parts joined by `/`, below `root`; nothing need be there.

    Raises `error` where it would lie outside.
    """
    parts = name.split("/")
    for part in parts:
        if why := strange(part):
            raise error(
                f"{visible(name)!r} names no place in {root}: a part of it {why}; give it another "
                "name, without a leading slash, `..` and control characters"
            )
    linked, at = False, os.fspath(root)
    for part in parts:
        at = os.path.join(at, part)
        linked = linked or os.path.islink(at)
    if linked and not _below(at, root):
        raise error(
            f"{at}: a link leads out of {root}, to {os.path.realpath(at)}, where nothing is read "
            f"or written; put the files themselves there ({root} itself may be a link)"
        )
    return Path(at)


def part(name: str, *, error: type[XstiltsError] = StoreError) -> str:
    """`name` itself, if it can be one part of a path; raises `error` otherwise."""
    if why := strange(name):
        raise error(f"{visible(name)!r} can't be the name of a file: it {why}; give it another")
    return name


def _below(path: str, root: str | Path) -> bool:
    """Whether a path lies below `root`, or is it, once all links are followed."""
    top = os.path.realpath(root)
    return os.path.commonpath([top, os.path.realpath(path)]) == top
