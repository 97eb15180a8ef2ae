"""What may lie at the path of a sweep file; all else is told at once and never waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from xstilts.errors import SweepError
from xstilts.sweep_file.text import MOST_BYTES, read_text


def test_text_is_read_up_to_a_megabyte(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"#" * MOST_BYTES)
    assert len(read_text(str(file))) == MOST_BYTES


def test_text_through_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("name: ü")
    (tmp_path / "s.yaml").symlink_to("real.yaml")
    assert read_text(str(tmp_path / "s.yaml")) == "name: ü"


def test_file_that_is_too_long_is_told_with_both_sizes(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    with open(file, "wb") as opened:
        opened.truncate(50_000_000)
    with pytest.raises(
        SweepError, match="is 50,000,000 bytes long; a sweep file has at most 1,048,576"
    ):
        read_text(str(file))


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_device_is_no_sweep_file(device: str) -> None:
    with pytest.raises(SweepError, match=f"{device}: is a device; must be a file"):
        read_text(device)


def test_pipe_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SweepError, match="pipe: is a pipe; must be a file"):
        read_text(str(tmp_path / "pipe"))


def test_socket_is_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        with pytest.raises(SweepError, match="s: not readable: No such device"):
            read_text("s")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("", "the name of the sweep file is empty"),
        ("a\0b", "not the path of a file"),
        ("x" * 300, "not readable: File name too long"),
        ("nowhere.yaml", "there is no such sweep file"),
        (".", "is a folder; must be a sweep file"),
    ],
)
def test_path_without_a_file_is_told(file: str, said: str) -> None:
    with pytest.raises(SweepError, match=said):
        read_text(file)
