"""The address of a SQLite database as SQLAlchemy, and so MLflow, reads it.

What follows `sqlite:///` is a path in which `?` begins the query and `%20` is a space; so both `%`
and `?` of a path must be written as escapes. MLflow makes the folder of an address that begins with
`sqlite:///` without reading the escapes, so where there are any the address names the driver too:
`sqlite+pysqlite:///`, which is the same to SQLAlchemy.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

_BEGINS = re.compile(r"sqlite(\+pysqlite)?:///?")


def sqlite_address(path: Path) -> str:
    """The address of the database at `path`."""
    escaped = str(path).replace("%", "%25").replace("?", "%3F")
    return f"sqlite{'+pysqlite' if escaped != str(path) else ''}:///{escaped}"


def is_sqlite(address: str) -> bool:
    """Whether an address is that of a SQLite database."""
    return _BEGINS.match(address) is not None


def sqlite_path(address: str) -> Path:
    """The absolute path of the database at an address for which `is_sqlite` holds."""
    return Path(unquote(_BEGINS.sub("", address, count=1).partition("?")[0])).absolute()
