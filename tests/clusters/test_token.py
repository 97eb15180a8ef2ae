"""Where a cluster's token is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.clusters.token import find_token
from xstilts.errors import InputError


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
