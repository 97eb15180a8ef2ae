"""Leases: one owner at a time, lost when it stops beating, whatever its process id means here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support import leases
from tests.support.memory_files import MemoryFiles
from xstilts.errors import LeaseHeld, LeaseLost, StoreError
from xstilts.store.folder_files import FolderFiles
from xstilts.store.lease import LEASE_SECONDS, Lease
from xstilts.store.owner import life_of, owner_of, process_identity
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
    return Lease(FolderFiles(folder), "phase", seconds, clock, clock)


def file_of(folder: Path) -> Path:
    return folder / "leases" / "phase.json"


def change(folder: Path, **values: Any) -> None:
    """Makes the lease that of another owner."""
    leases.change(file_of(folder), **values)


def elsewhere(folder: Path) -> None:
    """Makes the lease that of a process on another machine."""
    change(folder, process="another-boot/pid:[1]/5", host="elsewhere")


def held(one: Lease) -> LeaseHeld:
    """What somebody is told who wants the lease and does not get it."""
    with pytest.raises(LeaseHeld) as caught:
        one.take()
    return caught.value


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
    clock.now += 5 * 30 + 1
    second = lease(tmp_path, clock)
    assert held(second).watched == 15
    clock.now += 15
    second.take()
    assert second.held()
    assert not first.renew() and not first.held()
    with pytest.raises(
        LeaseLost, match=rf"^phase: .* ends: process {os.getpid()} on .* taken over"
    ):
        first.check()
    first.release()
    assert second.held() and second.renew()
    second.release()
    assert not first.renew() and not file_of(tmp_path).exists(), "what is lost stays lost"


def test_lease_that_ran_out_is_taken_by_one_of_several(tmp_path: Path, clock: Clock) -> None:
    lease(tmp_path, clock).take()
    elsewhere(tmp_path)
    clock.now += 31
    others, barrier = [lease(tmp_path, clock) for _ in range(8)], threading.Barrier(8)
    assert [held(one).watched for one in others] == [15] * 8
    clock.now += 15

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
def test_lease_whose_holder_cannot_be_judged_is_watched_once_it_ran_out(
    tmp_path: Path, clock: Clock, process: str
) -> None:
    lease(tmp_path, clock).take()
    boot = process_identity(os.getpid()).split("/")[0]
    change(tmp_path, pid=leases.NO_PROCESS, process=process.format(boot=boot))
    clock.now += 30
    watching, other = lease(tmp_path, clock), lease(tmp_path, clock)
    assert held(watching).watched == 0
    clock.now += 1
    assert held(other).watched == 15
    assert held(watching).watched == 14, "it has seen the file for a second"
    clock.now += 14
    assert held(other).watched == 1
    clock.now += 1
    other.take()


def test_lease_of_a_machine_whose_clock_is_behind_is_held_because_it_is_renewed(
    tmp_path: Path, clock: Clock
) -> None:
    behind = Clock()
    behind.now -= 3600
    first, second = lease(tmp_path, behind), lease(tmp_path, clock)
    first.take()
    elsewhere(tmp_path)
    assert held(second).watched == 15
    for _ in range(5):
        clock.now += 5
        behind.now += 5
        change(tmp_path, beat=behind.now)
        error = held(second)
        assert error.watched == 0
        assert str(error).endswith(
            "for 60 min; yet it is renewed: wait for that process, or stop it"
        )


@pytest.mark.parametrize(("process", "watched"), [("other-boot/pid:[1]/5", 30), (None, 150)])
def test_lease_with_a_beat_in_the_future_is_watched(
    tmp_path: Path, clock: Clock, process: str | None, watched: float
) -> None:
    lease(tmp_path, clock).take()
    if process:
        change(tmp_path, process=process)
    clock.now -= 31
    other = lease(tmp_path, clock)
    error = held(other)
    assert "has it, but its last sign lies 31 s in the future: a clock is wrong" in str(error)
    assert error.watched == watched
    clock.now += watched - 1
    change(tmp_path, beat=clock.now + 3600)
    assert held(other).watched == 0
    clock.now += watched
    other.take()


def test_lease_of_a_process_that_is_alive_here_is_kept_for_five_durations(
    tmp_path: Path, clock: Clock
) -> None:
    first, second = lease(tmp_path, clock), lease(tmp_path, clock)
    first.take()
    clock.now += 150
    error = held(second)
    assert error.watched == 0 and "last sign 2 min ago); wait for it, or stop it" in str(error)
    clock.now += 3600  # the laptop slept
    second = lease(tmp_path, clock)
    assert held(second).watched == 15
    clock.now += 10
    first.check()  # it awakes
    assert held(second).watched == 0
    clock.now += 15
    assert held(second).watched == 0 and first.renew()


def test_lease_of_a_process_that_is_stopped_is_kept_for_one_duration(
    tmp_path: Path, clock: Clock
) -> None:
    stopped = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        lease(tmp_path, clock).take()
        change(tmp_path, pid=stopped.pid, process=process_identity(stopped.pid))
        owner = owner_of(file_of(tmp_path).read_bytes())
        assert owner is not None and life_of(owner) == "alive"
        stopped.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
        assert life_of(owner) == "stopped"
        other = lease(tmp_path, clock)
        error = held(other)
        assert error.watched == 0
        assert f"is stopped (last sign 0 s ago); wake it with `kill -CONT {owner.pid}`" in str(
            error
        )
        clock.now += 31
        other = lease(tmp_path, clock)
        assert held(other).watched == 15
        clock.now += 15
        other.take()
    finally:
        stopped.kill()
        stopped.communicate()
    assert life_of(owner) == "ended"


def test_lease_is_judged_by_the_duration_of_its_owner(tmp_path: Path, clock: Clock) -> None:
    lease(tmp_path, clock, seconds=100).take()
    elsewhere(tmp_path)
    clock.now += 100
    assert held(lease(tmp_path, clock, seconds=1)).watched == 0
    clock.now += 1
    assert held(lease(tmp_path, clock, seconds=1)).watched == 50


DAMAGED = [b"", b"{", b"[]", b"5", b"null", b"[" * 5000, b'{"token": "t", "host": "h", "pid": 1}']


@pytest.mark.parametrize("content", DAMAGED)
def test_lease_file_that_is_damaged_is_free_once_it_was_seen_unchanged_for_the_duration(
    tmp_path: Path, clock: Clock, content: bytes
) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(content)
    one = lease(tmp_path, clock)
    with pytest.raises(LeaseHeld, match=r"^phase: its lease, .*/leases/phase.json, is damaged"):
        one.look()
    clock.now += 29
    assert held(one).watched == 1
    clock.now += 1
    one.take()
    assert one.held()


def test_lease_with_any_flipped_bit_never_goes_to_two(tmp_path: Path, clock: Clock) -> None:
    objects: dict[str, bytes] = {}
    files = MemoryFiles(objects, threading.RLock(), tmp_path)
    first = Lease(files, "phase", 30, clock, clock)
    first.take()
    whole = objects["leases/phase.json"]
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        objects["leases/phase.json"] = bytes(flipped)
        other = Lease(files, "phase", 30, clock, clock)
        assert held(other).watched == 30, f"bit {bit}: {bytes(flipped)!r}"
        clock.now += 5
        assert first.renew(), "its owner writes it again"
        assert held(other).watched == 0


def test_lease_damaged_while_its_owner_was_away_is_lost(tmp_path: Path, clock: Clock) -> None:
    one = lease(tmp_path, clock)
    one.take()
    file_of(tmp_path).write_bytes(b"torn")
    clock.now += 31  # another may have taken it, and its file was damaged then
    with pytest.raises(LeaseLost, match=r"phase.json is damaged; see with `xstilts status`"):
        one.check()
    assert file_of(tmp_path).read_bytes() == b"torn"


def test_check_reads_nothing_while_the_last_renewal_is_young(tmp_path: Path, clock: Clock) -> None:
    one = lease(tmp_path, clock)
    one.take()
    file_of(tmp_path).unlink()
    clock.now += 15
    one.check()
    clock.now += 1
    with pytest.raises(LeaseLost, match="its file is gone"):
        one.check()
    one.take()
    one.check()


def test_check_counts_the_time_that_either_clock_saw(tmp_path: Path) -> None:
    wall, ticks = Clock(), Clock()
    one = Lease(FolderFiles(tmp_path), "phase", 30, wall, ticks)
    for clock in (wall, ticks):
        one.take()
        file_of(tmp_path).unlink()
        clock.now += 16
        with pytest.raises(LeaseLost):
            one.check()


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
        raise StoreError("stale file handle")

    monkeypatch.setattr(FolderFiles, "read", silent)
    clock.now += 29
    assert one.renew()
    clock.now += 2
    with pytest.raises(LeaseLost, match=r"its file can't be read .stale file handle"):
        one.check()


def test_lease_whose_file_names_its_owner_is_not_lost_while_the_disk_is_full(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = lease(tmp_path, clock)
    one.take()

    def full(*given: Any) -> bytes:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(FolderFiles, "swap", full)
        clock.now += 100
        one.check()
    elsewhere(tmp_path)
    change(tmp_path, token="another")
    with pytest.raises(LeaseLost, match="on elsewhere has taken over and goes on"):
        one.check()


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


def test_kept_lease_watches_one_of_which_nothing_is_known_and_says_so_once(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(b"torn")
    told: list[str] = []

    def sleep(seconds: float) -> None:
        clock.now += 10

    monkeypatch.setattr("xstilts.store.lease.time.sleep", sleep)
    one = lease(tmp_path, clock)
    with pytest.raises(LeaseHeld), one.kept():
        pass
    one = lease(tmp_path, clock)
    with one.kept(tell=told.append):
        assert one.held()
    assert len(told) == 1
    assert told[0].endswith(
        "damaged; a run watches it for 30 s and takes it over if nobody renews it"
    )


def test_kept_lease_that_somebody_renews_while_it_is_watched_is_refused(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lease(tmp_path, clock)
    first.take()
    file_of(tmp_path).write_bytes(b"torn")
    monkeypatch.setattr("xstilts.store.lease.time.sleep", lambda seconds: first.renew())
    with pytest.raises(LeaseHeld, match="is at work"), lease(tmp_path, clock).kept(tell=print):
        pass


def test_kept_lease_that_is_lost_is_not_taken_back(tmp_path: Path) -> None:
    one, noticed = Store(tmp_path).lease("phase", seconds=0.06), threading.Event()
    renew = one.renew

    def seen() -> bool:
        still = renew()
        if not still:
            noticed.set()
        return still

    one.renew = seen  # type: ignore[method-assign]
    with one.kept():
        change(tmp_path, token="another")
        assert noticed.wait(timeout=30)
        with pytest.raises(LeaseLost):
            one.check()
        whose = file_of(tmp_path).read_bytes()
    assert file_of(tmp_path).read_bytes() == whose


def test_lease_is_freed_from_the_process_that_has_it_and_from_no_other(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    mine, other = Lease(files, "p", 60), Lease(files, "p", 60)
    assert not mine.free_from(socket.gethostname(), os.getpid())
    other.take()
    assert not mine.free_from(socket.gethostname(), os.getpid() + 1)
    assert not mine.free_from("elsewhere", os.getpid())
    assert other.held()
    assert mine.free_from(socket.gethostname(), os.getpid())
    mine.take()
    assert not other.renew()
    with pytest.raises(LeaseLost, match="has taken over"):
        other.check()
