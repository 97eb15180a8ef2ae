"""Is the store reached from here, does it do what records and leases need, and where does the
mirror go?
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from xstilts.checks.doctor import storage as doctor
from xstilts.checks.doctor.check import Check
from xstilts.clusters.cluster_file import ClusterFile
from xstilts.errors import XstiltsError
from xstilts.store.phases import Store

_BUCKET = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def checks(file: ClusterFile, store: str | None, tracking: str | None = None) -> Iterator[Check]:
    """The store and the tracking server of a sweep, where they are given."""
    if store is None:
        yield Check(name="store", ok=True, what="no sweep and no --store given, so none was tried")
    elif _BUCKET.match(store):
        yield _bucket(store)
    else:
        yield _folder(file, store)
    if tracking is not None and tracking != "off":
        yield _tracking(tracking)


def _bucket(address: str) -> Check:
    """Writes and removes a probe, conditionally: `Store.prepare` does it."""
    try:
        said = Store(address).prepare().address
    except XstiltsError as error:
        return Check(
            name="store",
            ok=False,
            what=str(error),
            fix="correct `store:`, or what lets you into the bucket (profile, environment); the "
            "machines need the same right by their role",
        )
    return Check(
        name="store",
        ok=True,
        what=f"{said}: read and written from here, conditional writes are kept; the machines use "
        "their own role, which only they can try",
    )


def _folder(file: ClusterFile, store: str) -> Check:
    cloud = file.provider != "local"
    return Check(
        name="store",
        ok=False,
        what=f"{Path(store).absolute()} is a folder: every machine must see the same one"
        + (", and new machines of a cloud see none by themselves" if cloud else ""),
        fix="`store: s3://BUCKET/xstilts` (or gs://, az://), or a folder that a setup command of "
        "the file mounts on every machine",
        serious=False,
    )


def _tracking(address: str) -> Check:
    """The head's own server can be asked on the head alone."""
    host = urlsplit(address).hostname or ""
    if address.startswith("http") and host in ("localhost", "127.0.0.1", "::1"):
        return Check(
            name="tracking",
            ok=True,
            what=f"{address} is the head's own server, which `xstilts cluster mlflow start` starts "
            "there; it can't be asked from here",
        )
    return doctor.tracking(address)
