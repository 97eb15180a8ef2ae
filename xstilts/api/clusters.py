"""Before a cluster is started: its token."""

from __future__ import annotations

import os
from pathlib import Path


def cluster_token(file: str | os.PathLike[str] | None = None, *, force: bool = False) -> Path:
    """Makes the token that a cluster asks for, in a file of mode 0600; returns its path. By default
    where Ray looks for it. InputError where there is one already, unless `force`.
    """
    from xstilts.clusters.token import default_token_file, make_token

    path = Path(file) if file is not None else default_token_file()
    make_token(path, force)
    return path
