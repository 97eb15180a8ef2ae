"""The token of a Ray cluster, where Ray itself looks for it.

It goes into the header of a request and nowhere else: into no command line, log, job or message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from xstilts.errors import InputError, first_line

PLACES = "~/.ray/auth_token, or a file named in RAY_AUTH_TOKEN_PATH, or RAY_AUTH_TOKEN"
"""Where a token may be, for messages."""


def find_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """RAY_AUTH_TOKEN, else the file in RAY_AUTH_TOKEN_PATH, else ~/.ray/auth_token; None where
    there is none. InputError where a file can't be read.
    """
    if given := environment.get("RAY_AUTH_TOKEN", "").strip():
        return given
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    file = Path(named or "~/.ray/auth_token").expanduser()
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        if named:
            raise InputError(
                f"RAY_AUTH_TOKEN_PATH is {named}: no such file; it must hold the cluster's token"
            ) from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the cluster's token can't be read ({first_line(error)})") from (
            error
        )
