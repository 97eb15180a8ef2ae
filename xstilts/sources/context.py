"""Where this machine finds rows and models: a mirror, the hub, the user's folders, and a cache."""

from __future__ import annotations

from xstilts.spec.frozen import Frozen


class DataContext(Frozen):
    """Where data lies on this machine. No part of any identity."""

    mirror: str | None = None
    """Folder with hub snapshots; none: the hub."""
    base: str = "."
    """Folder of the sweep file; the user's own files are relative to it."""
    cache: str
    """Folder for what is derived from data (`store.data`)."""


def fetch_help(name: str, mirror: str) -> str:
    """What to do about a dataset or model that a mirror lacks; `local/` names are not on the
    hub.
    """
    if name.startswith("local/"):
        return "it is not on the hub: put its folder there by hand"
    return f"fetch it where there is a network: `xstilts fetch SWEEP --mirror {mirror}`"
