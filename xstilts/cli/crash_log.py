"""The log of an error that nobody raised on purpose: what was run, with what, and the traceback.

It lies in the store's `logs/`, or, where there is no store or it can't be written, in the
machine's folder for temporary files. Passwords and tokens in addresses are left out.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from xstilts.errors import first_line
from xstilts.version import __version__

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "pyarrow",
    "numpy",
    "pandas",
    "ray",
    "optuna",
    "mlflow",
    "pydantic",
    "typer",
)
_SECRETS = (
    (re.compile(r"(\w://)[^/\s@'\"]+@"), r"\1***@"),
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), "hf_***"),
    (
        re.compile(
            r"(?i)((?:token|password|passwd|secret|api[_-]?key)\b['\"]?\s*[=:]\s*)[^\s&'\",;]+"
        ),
        r"\1***",
    ),
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"), r"\1***"),
)
"""What looks like a secret, and what is written instead."""


def write(error: BaseException, given: Sequence[str], store: Path | None) -> Path | None:
    """Writes the log of `error`, which ended the command line `given`; returns its path, or None
    where it could be written nowhere.

    The folder of a store is not made: there is a log in it only where there is a store already,
    whose folder of logs is no link to another place.
    """
    now = datetime.now(UTC)
    name = f"xstilts-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = without_secrets("\n".join(_lines(error, given, now)))
    for folder in _folders(store):
        try:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
            return folder / name
        except OSError:
            continue
    return None


def described(error: BaseException) -> str:
    """An error in one line: its type and the first line of its text."""
    if isinstance(error, OSError) and error.strerror:
        files = [str(name) for name in (error.filename, error.filename2) if name is not None]
        return ": ".join([" -> ".join(files), error.strerror] if files else [error.strerror])
    try:
        said = first_line(error, 300)
    except Exception:  # an error whose own text fails is still told
        said = ""
    kind = type(error).__name__
    return f"{kind}: {said}" if said and said != kind else kind


def without_secrets(text: str) -> str:
    """The text, with what looks like a password or a token replaced."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _folders(store: Path | None) -> Iterator[Path]:
    if store is not None and store.is_dir() and not (store / "logs").is_symlink():
        yield store / "logs"
    yield Path(tempfile.gettempdir())


def _lines(error: BaseException, given: Sequence[str], now: datetime) -> Iterator[str]:
    yield f"command   {shlex.join(['xstilts', *given])}"
    yield f"folder    {Path.cwd()}"
    yield f"time      {now.isoformat(timespec='seconds')}"
    yield f"xstilts   {__version__}"
    yield f"python    {sys.version.split()[0]} on {platform.platform()}"
    for library in LIBRARIES:
        try:
            yield f"{library:<10}{version(library)}"
        except PackageNotFoundError:
            yield f"{library:<10}missing"
    yield ""
    yield "".join(traceback.format_exception(error)).rstrip()
