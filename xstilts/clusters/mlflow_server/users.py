"""Who may use an MLflow server: its users are added, listed and removed by its administrator.

Passwords come from the environment or are typed; they are sent to the server over loopback and kept
by it as salted hashes. A message never holds one.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from typing import Any
from urllib.parse import quote

from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.server import ADMIN, address_of
from xstilts.errors import InputError, TrackingError, first_line

PASSWORD_VARIABLE = "XSTILTS_MLFLOW_PASSWORD"
SHORTEST_PASSWORD = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_USERS = "/api/2.0/mlflow/users"


def add(home: Home, name: str, password: str) -> None:
    """Adds a user. InputError for a name or password that won't do, or a name that is taken."""
    _check_name(name)
    check_password(password)
    code, answer = _ask(home, "POST", f"{_USERS}/create", {"username": name, "password": password})
    if code == 200:
        return
    if answer.get("error_code") == "RESOURCE_ALREADY_EXISTS":
        raise InputError(
            f"there is a user {name} already; `xstilts cluster mlflow user password {name}` gives "
            "another password"
        )
    raise _refused(code, answer, password)


def change_password(home: Home, name: str, password: str) -> None:
    """Gives a user another password. InputError where there is no such user."""
    _check_name(name)
    check_password(password)
    body = {"username": name, "password": password}
    code, answer = _ask(home, "PATCH", f"{_USERS}/update-password", body)
    _expect(home, name, code, answer, password)


def remove(home: Home, name: str) -> None:
    """Removes a user; what he has logged stays. InputError where there is no such user."""
    _check_name(name)
    if name == ADMIN:
        raise InputError(f"{ADMIN} is the server's own user and stays")
    code, answer = _ask(home, "DELETE", f"{_USERS}/delete", {"username": name})
    _expect(home, name, code, answer)


def names(home: Home) -> list[str]:
    """All users, in the order of the alphabet."""
    code, answer = _ask(home, "GET", f"{_USERS}/list")
    if code != 200:
        raise _refused(code, answer)
    return sorted(str(user["username"]) for user in answer.get("users", ()))


def knows(home: Home, name: str, password: str) -> bool:
    """Whether the server takes a user's password."""
    code, _ = _ask(home, "GET", f"{_USERS}/current", login=(name, password))
    return code == 200


def check_password(password: str) -> None:
    """InputError for a password that MLflow or common sense refuses."""
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(
            f"the password has {len(password)} characters; must be {SHORTEST_PASSWORD} or more"
        )
    if not password.isprintable() or not password.isascii():
        raise InputError(
            "the password has characters that not every program sends alike; use printable ASCII"
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"user {name!r}: a name has letters, digits and . _ @ -, begins with a letter or "
            "digit, and is at most 64 long"
        )


def _expect(home: Home, name: str, code: int, answer: dict[str, Any], secret: str = "") -> None:
    if code == 200:
        return
    if code == 404 or answer.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
        raise InputError(f"there is no user {name}; there are: {', '.join(names(home))}")
    raise _refused(code, answer, secret)


def _refused(code: int, answer: dict[str, Any], secret: str = "") -> TrackingError:
    said = first_line(str(answer.get("message", "")), 300)
    if secret:
        said = said.replace(secret, "***")
    return TrackingError(f"MLflow refused ({code}): {said or 'it gave no reason'}")


def _ask(
    home: Home,
    method: str,
    path: str,
    body: dict[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Asks the running server, as its administrator unless another `login` is given; the status and
    the answer's JSON.
    """
    host, _, port = address_of(home).removeprefix("http://").rpartition(":")
    user = ":".join(login or (ADMIN, home.secret("admin-password")))
    shown = base64.b64encode(user.encode()).decode()
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
    try:
        connection.request(
            method,
            quote(path),
            json.dumps(body) if body is not None else None,
            {
                "Authorization": f"Basic {shown}",
                "Content-Type": "application/json",
                "Host": f"localhost:{port}",
            },
        )
        answered = connection.getresponse()
        text = answered.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise TrackingError(
            f"the MLflow server in {home.folder} does not answer ({first_line(error)})"
        ) from error
    finally:
        connection.close()
    if answered.status == 401 and login is None:
        raise InputError(
            f"the server does not take the administrator's password in {home.secrets}: if it was "
            "changed on the server, write the new one there"
        )
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = {"message": text}
    return answered.status, value if isinstance(value, dict) else {}
