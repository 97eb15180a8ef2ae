"""Addresses in object stores: what is one, and what none may hold.

    s3://bucket/prefix        Amazon S3, and whatever speaks its language (AWS_ENDPOINT_URL)
    gs://bucket/prefix        Google Cloud Storage
    az://container/prefix     Azure Blob Storage; also abfs, abfss, adl

An address is written into records, ledgers and logs, so it holds no credentials: one that does is
refused, in words that do not repeat them.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from xstilts.errors import visible

SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


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
