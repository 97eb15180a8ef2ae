"""Lets the programs of one user of this machine into its MLflow server.

The driver of a sweep has to give a password, and a cluster starts drivers without anybody there to
type one. MLflow reads `~/.mlflow/credentials` wherever its environment names no user; so a user is
made whose password is in that file alone, readable by nobody else. No environment, job or command
line has it.
"""

from __future__ import annotations

import configparser
import io
import secrets
from dataclasses import dataclass
from pathlib import Path

from xstilts.clusters.mlflow_server import users
from xstilts.clusters.mlflow_server.home import Home, write_private
from xstilts.errors import InputError

_BYTES = 32
_NAME, _PASSWORD = "mlflow_tracking_username", "mlflow_tracking_password"


@dataclass(frozen=True)
class Login:
    """As whom programs write."""

    user: str
    file: Path
    """Has the password."""


def credentials_file() -> Path:
    """Where MLflow looks."""
    return Path.home() / ".mlflow" / "credentials"


def login(home: Home, name: str, file: Path | None = None) -> Login:
    """Makes sure that the file has a login that the server takes; makes the user `name` for it
    where there is none. InputError where the file has one that the server does not take.
    """
    file = file or credentials_file()
    if file.exists():
        return _kept(home, file)
    password = secrets.token_urlsafe(_BYTES)
    if name in users.names(home):
        users.change_password(home, name, password)
    else:
        users.add(home, name, password)
    values = configparser.ConfigParser(interpolation=None)
    values["mlflow"] = {_NAME: name, _PASSWORD: password}
    text = io.StringIO()
    values.write(text)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, text.getvalue())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; it must be writable") from error
    return Login(name, file)


def _kept(home: Home, file: Path) -> Login:
    """The login that is in the file already."""
    if file.stat().st_mode & 0o077:
        raise InputError(f"{file}: others may read it; chmod 600 it, and give another password")
    values = configparser.ConfigParser(interpolation=None)
    try:
        values.read_string(file.read_text("utf-8"))
        user, password = values["mlflow"][_NAME], values["mlflow"][_PASSWORD]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is no login of MLflow; move it away") from error
    if not users.knows(home, user, password):
        raise InputError(
            f"{file}: the server does not take this login of {user}; if it is another server's, "
            "move the file away and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
            "where that one is used"
        )
    return Login(user, file)
