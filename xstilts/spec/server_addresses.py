"""Addresses of servers, and the passwords that some write into them.

An address is written to records, tags, logs and messages, so one with a password in it is refused
where it comes in: who connects gives the password elsewhere.
"""

from __future__ import annotations

import re

_LOGIN = re.compile(r"(?<=://)[^/?#\s]*@")
_PARAMETER = re.compile(
    r"(?i)([?&;](?:[a-z_]*password|passwd|pwd|[a-z_-]*token|[a-z_]*secret[a-z_]*|"
    r"[a-z_]*access_key[a-z_]*|api_?key|sig|signature)=)[^&;#\s]*"
)


def without_credentials(address: str) -> str:
    """The address without user, password and keys, to be shown."""
    return _PARAMETER.sub(r"\1***", _LOGIN.sub("", address))


def holds_password(address: str) -> bool:
    """Whether an address holds a password or a key; a user's name alone is none."""
    login = _LOGIN.search(address)
    return (login is not None and ":" in login.group()) or _PARAMETER.search(address) is not None


def refused_address(address: str) -> str | None:
    """Why an address of a tracking server is refused: it holds a password. None where it holds
    none.
    """
    if not holds_password(address):
        return None
    elsewhere = (
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        if address.lower().startswith("http")
        else "the file that PGPASSFILE names (PostgreSQL)"
    )
    return (
        "the address holds a password, and addresses are written to records and logs; write "
        f"{without_credentials(address)}, and put the password into {elsewhere}"
    )
