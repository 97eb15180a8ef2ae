"""Leases: one owner at a time, lost when it stops beating, whatever its process id means here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from xstilts.errors import LeaseHeld, StoreError
from xstilts.store.folder_files import FolderFiles
from xstilts.store.lease import LEASE_SECONDS, Lease, process_identity
from xstilts.store.phases import Store


class Clock:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lease(folder: Path, clock: Clock, seconds: float = 30) -> Lease:
    return Lease(FolderFiles(folder), "phase", seconds, clock)


def file_of(folder: Path) -> Path:
    return folder / "leases" / "phase.json"


def change(folder: Path, **values: Any) -> None:
    """Makes the lease that of another owner."""
    path = file_of(folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_lease_of_several_that_try_at_once_one_gets_it(tmp_path: Path) -> None:
    store, got, barrier = Store(tmp_path), [], threading.Barrier(8)

    def attempt(number: int) -> None:
        lease = store.lease("phase")
        barrier.wait()
        try:
            lease.take()
            got.append(number)
        except LeaseHeld:
            pass

    threads = [threading.Thread(target=attempt, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_lease_held_names_its_holder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.lease("phase").take()
    with pytest.raises(LeaseHeld, match=rf"process {os.getpid()} on .* is at work on it"):
        store.lease("phase").take()
    with pytest.raises(LeaseHeld, match=r"phase: .*last sign 0 s ago"):
        store.lease("phase").look()


def test_lease_not_renewed_runs_out_and_its_owner_notices(tmp_path: Path, clock: Clock) -> None:
    first = lease(tmp_path, clock)
    first.take()
    clock.now += 31
    second = lease(tmp_path, clock)
    second.take()
    assert second.held()
    assert not first.renew() and not first.held()
    first.release()
    assert second.held() and second.renew()


def test_lease_that_ran_out_is_taken_by_one_of_several(tmp_path: Path, clock: Clock) -> None:
    lease(tmp_path, clock).take()
    clock.now += 31
    others, barrier = [lease(tmp_path, clock) for _ in range(8)], threading.Barrier(8)

    def attempt(one: Lease) -> None:
        barrier.wait()
        with suppress(LeaseHeld):
            one.take()

    threads = [threading.Thread(target=attempt, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.held() for one in others].count(True) == 1


def test_lease_that_ran_out_and_was_not_taken_goes_on_when_renewed(
    tmp_path: Path, clock: Clock
) -> None:
    one = lease(tmp_path, clock)
    one.take()
    clock.now += 31
    assert one.renew()
    with pytest.raises(LeaseHeld):
        lease(tmp_path, clock).take()


def test_lease_renewed_does_not_run_out(tmp_path: Path, clock: Clock) -> None:
    one = lease(tmp_path, clock)
    one.take()
    for _ in range(4):
        clock.now += 20
        assert one.renew()
        with pytest.raises(LeaseHeld):
            lease(tmp_path, clock).take()


def test_lease_beat_of_a_clock_that_is_ahead_is_a_sign_of_life(
    tmp_path: Path, clock: Clock
) -> None:
    lease(tmp_path, clock).take()
    clock.now -= 5
    with pytest.raises(LeaseHeld, match="last sign 0 s ago"):
        lease(tmp_path, clock).take()


def test_lease_of_an_ended_process_on_this_machine_is_free_at_once(tmp_path: Path) -> None:
    code = "import sys\nfrom xstilts.store.phases import Store\n"
    code += "Store(sys.argv[1]).lease('phase').take()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert json.loads(file_of(tmp_path).read_text())["pid"] != os.getpid()
    Store(tmp_path).lease("phase").take()


def test_lease_of_an_ended_process_that_nobody_has_collected_is_free_at_once(
    tmp_path: Path,
) -> None:
    code = "import sys\nfrom xstilts.store.phases import Store\n"
    code += "Store(sys.argv[1]).lease('phase').take()"
    ended = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    Store(tmp_path).lease("phase").take()
    assert ended.wait() == 0


def test_lease_whose_process_id_belongs_to_another_process_now_is_free_at_once(
    tmp_path: Path, clock: Clock
) -> None:
    lease(tmp_path, clock).take()
    change(tmp_path, process=process_identity(os.getpid()) + "0")
    lease(tmp_path, clock).take()


@pytest.mark.parametrize("process", ["", "other-boot/pid:[1]/5", "{boot}/pid:[1]/5"])
def test_lease_of_another_container_with_this_host_name_is_held_until_it_runs_out(
    tmp_path: Path, clock: Clock, process: str
) -> None:
    lease(tmp_path, clock).take()
    boot = process_identity(os.getpid()).split("/")[0]
    change(tmp_path, pid=2**22 + 1, process=process.format(boot=boot))
    with pytest.raises(LeaseHeld):
        lease(tmp_path, clock).take()
    clock.now += 31
    lease(tmp_path, clock).take()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"token": "t", "host": "h", "pid": 1}'])
def test_lease_file_that_is_none_is_free(tmp_path: Path, clock: Clock, content: bytes) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(content)
    one = lease(tmp_path, clock)
    one.look()
    one.take()
    assert one.held()


def test_lease_given_back_is_free(tmp_path: Path) -> None:
    lease = Store(tmp_path).lease("phase")
    lease.take()
    lease.release()
    assert not file_of(tmp_path).exists()
    Store(tmp_path).lease("phase").take()


def test_lease_is_lost_only_when_the_store_is_silent_for_its_duration(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = lease(tmp_path, clock)
    one.take()

    def silent(*given: Any) -> bytes:
        raise StoreError("the disk is full")

    monkeypatch.setattr(FolderFiles, "swap", silent)
    clock.now += 29
    assert one.renew()
    clock.now += 2
    assert not one.renew()


def test_kept_lease_is_renewed_and_given_back(tmp_path: Path) -> None:
    one = Store(tmp_path).lease("phase", seconds=0.06)
    beats, renew = threading.Event(), one.renew

    def seen() -> bool:
        beats.set()
        return renew()

    one.renew = seen  # type: ignore[method-assign]
    with one.kept():
        assert beats.wait(timeout=30) and one.held()
        with pytest.raises(LeaseHeld), Store(tmp_path).lease("phase", LEASE_SECONDS).kept():
            pass
    assert not one.held()


def test_kept_lease_waits_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Store(tmp_path).lease("phase") for _ in range(2))
    first.take()
    monkeypatch.setattr("xstilts.store.lease.time.sleep", lambda seconds: first.release())
    with second.kept(waits=True):
        assert second.held()
