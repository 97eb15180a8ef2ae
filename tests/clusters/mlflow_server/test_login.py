"""The login of one's programs: made once, kept in a file that nobody else reads."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from xstilts.clusters.mlflow_server import login as logins, users
from xstilts.clusters.mlflow_server.home import Home
from xstilts.errors import InputError


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The users of a server, by name; asking it is what is stood in for."""
    made = {"admin": "x"}
    monkeypatch.setattr(users, "names", lambda home: sorted(made))
    monkeypatch.setattr(users, "add", lambda home, name, password: made.update({name: password}))
    monkeypatch.setattr(
        users, "change_password", lambda home, name, password: made.update({name: password})
    )
    monkeypatch.setattr(users, "knows", lambda home, name, password: made.get(name) == password)
    return made


def read(file: Path) -> tuple[str, str]:
    """User and password, as MLflow reads them."""
    values = configparser.ConfigParser()
    values.read(file)
    section = values["mlflow"]
    return section["mlflow_tracking_username"], section["mlflow_tracking_password"]


def test_login_is_made_once_and_closed_to_others(tmp_path: Path, known: dict[str, str]) -> None:
    home, file = Home(tmp_path / "mlflow"), tmp_path / ".mlflow" / "credentials"
    assert logins.login(home, "sweeps", file).user == "sweeps"
    assert file.stat().st_mode & 0o777 == 0o600
    assert read(file) == ("sweeps", known["sweeps"])
    before = file.read_text()
    assert logins.login(home, "other", file).user == "sweeps"
    assert file.read_text() == before and "other" not in known


def test_user_whose_file_was_lost_gets_another_password(
    tmp_path: Path, known: dict[str, str]
) -> None:
    known["sweeps"] = "lost"
    logins.login(Home(tmp_path), "sweeps", tmp_path / "credentials")
    assert read(tmp_path / "credentials") == ("sweeps", known["sweeps"]) != ("sweeps", "lost")


def test_login_of_another_server_is_left_alone(tmp_path: Path, known: dict[str, str]) -> None:
    home, file = Home(tmp_path), tmp_path / "credentials"
    logins.login(home, "sweeps", file)
    before = file.read_text()
    known["sweeps"] = "changed elsewhere"
    with pytest.raises(InputError, match="does not take this login of sweeps") as raised:
        logins.login(home, "sweeps", file)
    assert read(file)[1] not in str(raised.value)
    assert file.read_text() == before


def test_file_that_others_may_read_or_that_is_something_else_is_refused(
    tmp_path: Path, known: dict[str, str]
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[databricks]\n")
    file.chmod(0o600)
    with pytest.raises(InputError, match="is no login of MLflow"):
        logins.login(Home(tmp_path), "sweeps", file)
    file.chmod(0o644)
    with pytest.raises(InputError, match="others may read it"):
        logins.login(Home(tmp_path), "sweeps", file)
