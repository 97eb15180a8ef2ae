"""Who holds a lease: the file, and what can be known of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.leases import NO_PROCESS
from xstilts.store import owner as owners
from xstilts.store.owner import Owner, life_of, owner_of, process_identity

OWNER = Owner(
    token="t",
    host="h",
    pid=os.getpid(),
    process=process_identity(os.getpid()),
    beat=1_700_000_000.25,
    seconds=60.0,
)


def test_owner_is_read_as_it_was_written() -> None:
    assert owner_of(OWNER.content()) == OWNER


def test_owner_of_a_damaged_file_is_nobody() -> None:
    whole = OWNER.content()
    assert all(owner_of(whole[:length]) is None for length in range(len(whole)))
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        assert owner_of(bytes(flipped)) is None


@pytest.mark.parametrize("content", [b"5", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_owner_of_what_is_no_lease_is_nobody(content: bytes) -> None:
    assert owner_of(content) is None


def test_life_of_this_process_and_of_others() -> None:
    here = OWNER.process.rpartition("/")[0]
    assert life_of(OWNER) == "alive"
    assert life_of(replace(OWNER, process=f"{here}/0")) == "ended", "the id was given again"
    assert life_of(replace(OWNER, pid=NO_PROCESS)) == "ended"
    boot, space = here.split("/", 1)
    for elsewhere in ("", f"other/{space}/5", f"{boot}/pid:[1]/5"):
        assert life_of(replace(OWNER, pid=NO_PROCESS, process=elsewhere)) == "unknown"


def test_life_of_an_ended_process_that_nobody_has_collected() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(OWNER, pid=child.pid, process=process_identity(child.pid))
    assert life_of(owner) == "alive"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert life_of(owner) == "ended"
    child.communicate()
    assert life_of(owner) == "ended"


def test_life_of_a_process_of_another_user_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(owners.os, "kill", refused)
    assert life_of(OWNER) == "alive"


def test_life_where_the_system_does_not_say_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(owners.os, "readlink", missing)
    assert process_identity(os.getpid()) == "" and life_of(OWNER) == "unknown"
