"""JSON as strictly as rows need it: no key twice in an object, no nesting without end.

NaN, which Python and pandas write for a missing value, is read as null.
"""

from __future__ import annotations

import json
from typing import Any

from xstilts.errors import DataError


def decoded(text: str, at: str) -> Any:
    """The JSON value of `text`; DataError if it is none. `at` is its place, for messages."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line = f" in line {error.lineno}" if "\n" in text.strip() else ""
        raise NotJSON(f"{at}: not JSON ({error.msg} at character {error.colno}{line})") from error
    except ValueError as error:  # a key twice, or a number of thousands of digits
        raise DataError(f"{at}: {error}") from error
    except RecursionError as error:
        raise DataError(f"{at}: is nested too deeply; write rows of plain values") from error


class NotJSON(DataError):
    """The text is not JSON at all."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has the key {twice!r} twice; keep one")
    return found


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
