"""Before a cluster is started: is its file all right, and where is its token?"""

from __future__ import annotations

import os
from pathlib import Path

from xstilts.api.given import AnySweep
from xstilts.api.opened import open_sweep
from xstilts.api.verb_values import Findings


def cluster_check(
    file: str | os.PathLike[str] = "cluster.yaml",
    sweep: AnySweep | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Findings:
    """Checks a cluster file, what `ray up` needs of this machine, the store, and with a sweep
    whether its phases fit the machines. Starts nothing. InputError where Ray would not take the
    file.
    """
    from xstilts.clusters.checking import checks

    plan, base = None, "."
    if sweep is not None:
        opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking, labels=False)
        plan, store, base = opened.plan, opened.sweep.store, str(opened.context.base)
    return Findings(checks(Path(file), plan, store, base))


def cluster_token(file: str | os.PathLike[str] | None = None, *, force: bool = False) -> Path:
    """Makes the token that a cluster asks for, in a file of mode 0600; returns its path. By default
    where Ray looks for it. InputError where there is one already, unless `force`.
    """
    from xstilts.clusters.token import default_token_file, make_token

    path = Path(file) if file is not None else default_token_file()
    make_token(path, force)
    return path
