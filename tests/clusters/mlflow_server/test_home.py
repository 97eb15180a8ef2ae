"""The folder of an MLflow server: its secrets are made once and read by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from xstilts.clusters.mlflow_server import home as homes
from xstilts.clusters.mlflow_server.home import Home, write_private
from xstilts.errors import InputError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of this user, who is taken for an ordinary one."""
    monkeypatch.setattr(homes, "is_root", lambda: False)
    made = Home(tmp_path / "mlflow")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_secrets_are_closed_to_others(home: Home) -> None:
    folders = (home.folder, home.secrets, home.database, home.artifacts)
    assert {mode(folder) for folder in folders} == {0o700}
    assert {mode(file) for file in home.secrets.iterdir()} == {0o600}
    assert {file.name for file in home.secrets.iterdir()} == {
        "admin-password",
        "pgpass",
        "secret-key",
    }


def test_secrets_are_made_once_and_differ(home: Home) -> None:
    before = {file.name: file.read_text() for file in home.secrets.iterdir()}
    home.prepare()
    assert {file.name: file.read_text() for file in home.secrets.iterdir()} == before
    assert len(set(before.values())) == 3
    assert before["pgpass"] == f"*:*:*:xstilts:{home.database_password}\n"
    assert len(home.database_password) > 40


@pytest.mark.parametrize("name", ["secret-key", "pgpass"])
def test_secret_that_others_may_read_is_refused_with_what_to_do(home: Home, name: str) -> None:
    os.chmod(home.secrets / name, 0o640)
    with pytest.raises(InputError, match=rf"{name}: others may read it \(mode 0640\); chmod 600"):
        home.prepare()


def test_secret_that_is_empty_or_missing_is_refused(home: Home) -> None:
    (home.secrets / "secret-key").write_text("")
    with pytest.raises(InputError, match="secret-key is empty; remove it"):
        home.prepare()
    (home.secrets / "secret-key").unlink()
    with pytest.raises(InputError, match=r"No such file.*mlflow start` makes it"):
        home.secret("secret-key")


def test_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give --folder another place"):
        Home(tmp_path / "file" / "mlflow").prepare()


def test_private_file_is_never_replaced(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", "first")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "secret", "second")
    assert (tmp_path / "secret").read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_private_file_is_closed_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "secret", "x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "secret") == 0o600


def test_root_without_the_user_of_postgresql_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "is_root", lambda: True)
    monkeypatch.setattr(homes, "SYSTEM_USER", "nobody-of-that-name")
    with pytest.raises(InputError, match="there is no user nobody-of-that-name"):
        Home(tmp_path / "mlflow").prepare()
