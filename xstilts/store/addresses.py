"""Where a store lies: in a folder, or at an address in an object store (`spec.addresses`).

    store                     a folder, relative to the working directory
    /data/store, file:///...  a folder
    s3://bucket/prefix, ...   a place in an object store

A store at an address has a *home* on each machine, `<cache>/stores/<digest of the address>/`: what
libraries must open as files (working copies of sweeps, checkpoints, tokenised data) lies there. The
file `address` in it says whose home it is, so that a folder below it leads back to its store.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xstilts.errors import StoreError
from xstilts.spec.addresses import is_address, problem
from xstilts.spec.digests import digest
from xstilts.store.local_files import store_error, write_bytes

CACHE_VARIABLE = "XSTILTS_CACHE"
"""Environment variable: folder of this machine for copies of what object stores hold."""
_NAMED = "address"


def address(place: str | os.PathLike[str]) -> str:
    """An address as it is kept: without a slash at its end. StoreError where it can't be used."""
    if wrong := problem(os.fspath(place)):
        raise StoreError(wrong)
    return os.fspath(place).rstrip("/")


def folder(place: str | os.PathLike[str]) -> Path:
    """The absolute path of a store that is a folder: a path, or a `file://` address."""
    text = os.fspath(place)
    if text.lower().startswith("file://"):
        return Path(unquote(urlsplit(text).path)).absolute()
    return Path(text).absolute()


def cache() -> Path:
    """This machine's folder for copies: XSTILTS_CACHE, else `~/.cache/xstilts`."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser().absolute() if given else Path.home() / ".cache" / "xstilts"


def home(place: str, kind: str = "stores") -> Path:
    """The folder of this machine for copies of what lies at an address; nothing need be there."""
    return cache() / kind / digest(place)


def made_home(place: str, kind: str = "stores") -> Path:
    """The same, made if it is not there, for its user alone. StoreError where that can't be."""
    path = home(place, kind)
    try:
        if not (path / _NAMED).is_file():
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
            write_bytes(path / _NAMED, place.encode())
    except OSError as error:
        raise store_error(error, path) from error
    return path


def address_of_home(path: Path) -> str | None:
    """The address whose home a folder is; None where it is none."""
    try:
        place = (path / _NAMED).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return place if is_address(place) and not problem(place) and path == home(place) else None
