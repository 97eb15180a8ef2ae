"""The token that a cluster asks of everyone: found where Ray itself looks for it, and made so that
nobody else can read it.

It goes into the header of a request and nowhere else: into no command line, log, job or message.
Ray's own `ray get-auth-token --generate` writes a file that everybody on the machine can read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from xstilts.errors import InputError, first_line

PLACES = "~/.ray/auth_token, or a file named in RAY_AUTH_TOKEN_PATH, or RAY_AUTH_TOKEN"
"""Where a token may be, for messages."""
_BYTES = 32


def find_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """RAY_AUTH_TOKEN, otherwise what the file has where Ray looks for one; None where there is
    none. InputError where a file can't be read.
    """
    if given := environment.get("RAY_AUTH_TOKEN", "").strip():
        return given
    file = default_token_file(environment)
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        if environment.get("RAY_AUTH_TOKEN_PATH"):
            raise InputError(
                f"RAY_AUTH_TOKEN_PATH is {file}: no such file; it must hold the cluster's token"
            ) from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = first_line(error)
        raise InputError(f"{file}: the cluster's token can't be read ({why})") from error


def default_token_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Ray looks for a token: RAY_AUTH_TOKEN_PATH, otherwise `~/.ray/auth_token`."""
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    if named:
        return Path(named).expanduser()
    return Path(environment.get("HOME") or Path.home()) / ".ray" / "auth_token"


def make_token(file: Path, force: bool = False) -> None:
    """Writes a new token to a file of mode 0600, in a folder of mode 0700 if it has to be made.
    InputError where a token is there already, unless `force`, or where nothing can be written.
    """
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True, mode=0o700)
        if os.path.lexists(file) and not force:
            raise InputError(
                f"{file} is there already: clusters that run with it would refuse a new one; use "
                "it, name another file, or give --force"
            )
        new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w") as written:
                written.write(secrets.token_hex(_BYTES))
            if force:
                os.replace(new, file)
            else:
                os.link(new, file)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; name another file") from error
