"""Where this machine finds rows and models: a mirror, the hub, the user's folders, and a cache."""

from __future__ import annotations

import shlex

from xstilts.spec.frozen import Frozen


class DataContext(Frozen):
    """Where data lies on this machine. Not part of any identity."""

    mirror: str | None = None
    """Folder with hub snapshots; None: the hub itself."""
    base: str = "."
    """Folder of the sweep file; paths of the user's own files start there."""
    cache: str
    """Folder for everything derived from data (`store.data`)."""
    looks_only: bool = False
    """Whether only what is on this machine is read, and nothing is written: no hub is asked, and
    what is found is not kept in `cache`.
    """


def fetch_help(name: str, mirror: str) -> str:
    """How to get a dataset or model that a mirror lacks; `local/` names are not on the hub."""
    if name.startswith("local/"):
        return "it is not on the hub: put its folder there by hand"
    return (
        f"fetch it where there is a network: `xstilts fetch SWEEP --mirror {shlex.quote(mirror)}`"
    )
