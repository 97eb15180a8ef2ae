"""The token that a cluster asks of everyone: made here, so that nobody else can read it.

Ray's own `ray get-auth-token --generate` writes a file that everybody on the machine can read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from xstilts.errors import InputError

_BYTES = 32


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
