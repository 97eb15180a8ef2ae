"""JSON files with a digest of their value, so that a damaged one is never taken for another value.

    {"digest": "<24 hexadecimal digits>", "value": <the value>}

The digest is the beginning of a SHA-256: of the value, not of how it is written.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from xstilts.store.local_files import write_json


def write_sealed(path: Path, value: Any) -> None:
    """Writes a JSON value with its digest, atomically and durably. StoreError where the disk
    refuses.
    """
    value = json.loads(json.dumps(value))  # as it will be read: keys are texts
    write_json(path, {"digest": _digest(value), "value": value})


def read_sealed(path: Path) -> Any:
    """The value in a file; ValueError where it is not as it was written, OSError where it can't be
    read.
    """
    try:
        sealed = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(sealed, dict) or sealed.keys() != {"digest", "value"}:
        raise ValueError("it has no digest")
    if sealed["digest"] != _digest(sealed["value"]):
        raise ValueError("its digest does not fit")
    return sealed["value"]


def _digest(value: Any) -> str:
    # In ASCII: file names may hold what is no Unicode.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:24]
