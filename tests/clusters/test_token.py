"""A cluster's token: found where Ray looks for it; made once, readable by its user alone."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from xstilts.clusters.token import default_token_file, find_token, make_token
from xstilts.errors import InputError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_token_is_random_and_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for name in ("one", "two"):
            make_token(tmp_path / name / "auth_token")
    finally:
        os.umask(before)
    tokens = {(tmp_path / name / "auth_token").read_text() for name in ("one", "two")}
    assert len(tokens) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", token) for token in tokens)
    assert mode(tmp_path / "one" / "auth_token") == 0o600
    assert mode(tmp_path / "one") == 0o700
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["auth_token"]


def test_token_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "auth_token"
    file.write_text("old")
    file.chmod(0o644)
    with pytest.raises(InputError, match="clusters that run with it would refuse a new one"):
        make_token(file)
    assert file.read_text() == "old"
    make_token(file, force=True)
    assert file.read_text() != "old"
    assert mode(file) == 0o600


def test_place_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="name another file"):
        make_token(tmp_path / "file" / "auth_token")


def test_default_is_where_ray_looks(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert default_token_file(home) == tmp_path / ".ray" / "auth_token"
    named = {**home, "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    assert default_token_file(named) == tmp_path / "token"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def put(file: Path, token: str) -> str:
    file.parent.mkdir(exist_ok=True)
    file.write_text(token)
    return str(file)


def test_token_is_taken_as_ray_takes_it_variable_then_named_file_then_home(home: Path) -> None:
    put(home / ".ray/auth_token", "of-home\n")
    named = put(home / "other", " of-file ")
    assert find_token({"RAY_AUTH_TOKEN": "given", "RAY_AUTH_TOKEN_PATH": named}) == "given"
    assert find_token({"RAY_AUTH_TOKEN_PATH": named}) == "of-file"
    assert find_token({}) == "of-home"


def test_token_that_is_nowhere_is_none(home: Path) -> None:
    assert find_token({}) is None
    put(home / ".ray/auth_token", "\n")
    assert find_token({"RAY_AUTH_TOKEN": " "}) is None


def test_token_file_that_is_named_and_not_there_is_an_error_that_names_it(home: Path) -> None:
    with pytest.raises(InputError, match=r"RAY_AUTH_TOKEN_PATH is .*gone: no such file"):
        find_token({"RAY_AUTH_TOKEN_PATH": str(home / "gone")})


def test_token_file_that_cannot_be_read_is_an_error(home: Path) -> None:
    (home / "folder").mkdir()
    with pytest.raises(InputError, match="folder: the cluster's token can't be read"):
        find_token({"RAY_AUTH_TOKEN_PATH": str(home / "folder")})
