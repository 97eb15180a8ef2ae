"""Addresses of stores: a folder, or a place in an object store.

    store                     a folder, relative to the working directory
    /data/store, file:///...  a folder
    s3://bucket/prefix        Amazon S3, and whatever speaks its language (AWS_ENDPOINT_URL)
    gs://bucket/prefix        Google Cloud Storage
    az://container/prefix     Azure Blob Storage; also abfs, abfss, adl, and https of Azure

An address is written into records, ledgers and logs, so it holds no credentials: one that does is
refused. They come from where the cloud's own tools look (`objects`).

A store at an address has a *home* on each machine, `<cache>/stores/<digest of the address>/`: what
libraries must open as files (working copies of sweeps, checkpoints, tokenised data) lies there. The
file `address` in it says whose home it is, so that a folder below it leads back to its store.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xstilts.errors import StoreError, visible
from xstilts.spec.digests import digest
from xstilts.store.local_files import store_error, write_bytes

CACHE_VARIABLE = "XSTILTS_CACHE"
"""Environment variable: folder of this machine for copies of what object stores hold."""
SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NAMED = "address"


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether a place lies in an object store; every other one is a folder."""
    match = _ADDRESS.match(os.fspath(place))
    return match is not None and match[1].lower() != "file"


def problem(place: str) -> str:
    """Why an address can't be used, a sentence without its secrets; empty where it can, and for
    every folder.
    """
    if not is_address(place):
        return ""
    parts = urlsplit(place)
    shown = f"{parts.scheme}://{visible(parts.hostname or '')}{visible(parts.path)}"
    if parts.scheme.lower() not in SCHEMES:
        return f"{shown}: `{parts.scheme}://` is no object store; must be s3://, gs:// or az://"
    container = parts.username if parts.scheme.lower() in ("abfs", "abfss") else None
    if "@" in parts.netloc and (container is None or parts.password is not None):
        return (
            f"{shown}: the address holds credentials, and addresses are kept in records and logs; "
            "leave them out: they are taken from the environment, the profile or the machine's role"
        )
    if parts.query or parts.fragment:
        return (
            f"{shown}: what follows `?` or `#` may be a token, and addresses are kept in records "
            "and logs; leave it out, and put the token in the environment"
        )
    if not parts.netloc:
        return f"{place}: names no bucket; must be {parts.scheme}://bucket/prefix"
    if any(part in ("", ".", "..") for part in parts.path.strip("/").split("/")[1:]):
        return (
            f"{shown}: a part of it is empty, `.` or `..`; must be {parts.scheme}://bucket/prefix"
        )
    return ""


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
