"""Two workers on one phase: the old one is stopped anywhere in its work and goes on after another
has taken the phase over. Nothing that it would have written is seen, in both kinds of store.

A worker in a folder is stopped where it has done everything but look whether it still may (at the
lock under which a change becomes visible); in an object store its request is held in the network,
so that it arrives late. A worker knows no better all the while: its lease's own check says yes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.spec.test_phase import spec
from tests.support import object_servers
from tests.support.builders import provenance, train_result
from tests.support.fault_proxy import Proxy
from xstilts.errors import LeaseHeld, LeaseLost, StoreAway
from xstilts.store import folder_files
from xstilts.store.lease import Lease
from xstilts.store.object_files import ObjectFiles
from xstilts.store.objects import Objects
from xstilts.store.phases import Phase, Store

FOLDER_STOPS = 9
"""Changes of the work below in a folder; the test looks that there are no more."""
OBJECT_STOPS = 24
"""Requests that change something of the work below in an object store, at most."""


def work(phase: Phase, mark: str) -> None:
    """All that a phase writes."""
    phase.begin(spec())
    for step in (1, 2):
        with phase.staging() as made:
            (made / "state.pt").write_bytes(mark.encode() * 9000)
            (made / "best.pt").write_bytes(mark.encode() * 5000)
            phase.keep_partial(step, made)
    phase.drop_partial(1)
    phase.keep_predictions("en", {"id": [mark], "right": [True]})
    with phase.staging() as made:
        (made / "model.safetensors").write_bytes(mark.encode() * 9000)
        phase.keep_checkpoint(made)
    phase.finish(spec(), train_result(float(len(mark))), provenance())


class Stop:
    """Holds the change with a number, which the old worker makes, until it is woken."""

    def __init__(self, number: int) -> None:
        self.number, self.count = number, 0
        self.stopped, self.woken = threading.Event(), threading.Event()
        self.taken_over = False

    def at_change(self) -> None:
        """Comes before each change."""
        self.count += 1
        if self.count == self.number:
            self.stopped.set()
            assert self.woken.wait(60)

    def sure(self) -> None:
        """The old worker's lease, which it asks before it takes a phase over."""
        if self.taken_over:
            raise LeaseLost("this process has lost its lease")


@contextmanager
def old_worker(phase: Phase, stop: Stop) -> Iterator[list[BaseException]]:
    """The old worker at its work, for the block, which begins when it is stopped or at its end."""
    ended: list[BaseException] = []

    def go() -> None:
        try:
            work(phase, "old")
        except BaseException as error:
            ended.append(error)
        finally:
            stop.stopped.set()

    thread = threading.Thread(target=go, name="old")
    thread.start()
    assert stop.stopped.wait(60)
    try:
        yield ended
    finally:
        stop.woken.set()
        thread.join(60)


def seen(store: Store) -> dict[str, bytes | None]:
    """All files of the phase."""
    prefix = f"phases/{spec().id}"
    files = store._files
    return {name: files.read(f"{prefix}/{name}") for name in files.sizes(prefix)}


def goes_on_after_takeover(old: Callable[[], Store], new: Callable[[], Store], stop: Stop) -> bool:
    """Stops the old worker, lets a new one do the work, wakes the old one; returns whether it was
    stopped before it had ended.
    """
    with old_worker(old().phase(spec().id, stop.sure), stop) as ended:
        if stop.count < stop.number:
            return False
        stop.taken_over = True
        if new().phase(spec().id).done:  # the old one was stopped after its record
            return True
        work(new().phase(spec().id), "new")
        before = seen(new())
        assert new().phase(spec().id).record().trained is not None
    assert [type(error) for error in ended] == [LeaseLost]
    assert seen(new()) == before
    assert not any(b"oldold" in (content or b"") for content in before.values())
    assert new().phase(spec().id).fault(whole=True) == ""
    assert new().phase(spec().id).partials() == []
    return True


@pytest.mark.parametrize("number", range(1, FOLDER_STOPS + 1))
def test_worker_in_a_folder_that_goes_on_too_late_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    stop, locked = Stop(number), folder_files._locked

    @contextmanager
    def stopping(path: Path) -> Iterator[None]:
        if threading.current_thread().name == "old" and path.parent.name == ".owners":
            stop.at_change()
        with locked(path):
            yield

    monkeypatch.setattr(folder_files, "_locked", stopping)
    place = Store(tmp_path).prepare().address
    assert goes_on_after_takeover(lambda: Store(place), lambda: Store(place), stop)


def test_changes_in_a_folder_are_as_many_as_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, locked = [], folder_files._locked

    def counting(path: Path) -> object:
        changes.extend([path] * (path.parent.name == ".owners"))
        return locked(path)

    monkeypatch.setattr(folder_files, "_locked", counting)
    work(Store(tmp_path).prepare().phase(spec().id), "old")
    assert len(changes) == FOLDER_STOPS + 2  # the last two tidy up after the record


@pytest.mark.parametrize("number", range(1, OBJECT_STOPS + 1))
def test_worker_in_an_object_store_whose_request_arrives_too_late_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy, moto: str, number: int
) -> None:
    place, stop = object_servers.address(), Stop(number)
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))

    def plan(method: str, path: str) -> None:
        if method in ("PUT", "POST", "DELETE"):
            proxy.lock.release()
            try:
                stop.at_change()
            finally:
                proxy.lock.acquire()

    old = Store(place)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)  # the new worker's network is another
    proxy.plan = plan
    if not goes_on_after_takeover(lambda: old, lambda: Store(place), stop):
        assert number > 12, "the work has more changes than this"


# -- machines that vanish, and clocks


@pytest.mark.parametrize("number", [1, 2, 4, 5, 8, 9, 10, 11])
def test_machine_that_vanishes_in_the_middle_of_an_upload_leaves_nothing_that_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy, moto: str, number: int
) -> None:
    place, count = object_servers.address(), itertools.count(1)
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "old"))
    monkeypatch.setenv("XSTILTS_STORE_WAIT_SECONDS", "0.1")
    gone: list[str] = []

    def plan(method: str, path: str) -> str | None:
        """From one of its writes on, nothing of the machine gets through."""
        if gone or (method == "PUT" and next(count) == number):
            gone.append("cut")
            return "cut"
        return None

    proxy.plan = plan
    with pytest.raises(StoreAway):
        work(Store(place).phase(spec().id), "old")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "new"))
    store = Store(place)
    phase = store.phase(spec().id)
    assert not phase.done
    for step in phase.partials():  # whole, where there are any
        assert (phase.partial(step) / "state.pt").read_bytes() == b"old" * 9000
    work(Store(place).phase(spec().id), "new")
    assert store.phase(spec().id).fault(whole=True) == ""
    assert store.phase(spec().id).predictions("en").column("id").to_pylist() == ["new"]


@pytest.mark.parametrize("hours", [-5.0, 5.0])
def test_lease_of_a_machine_whose_clock_is_hours_off_is_kept_while_it_is_renewed_and_no_longer(
    at_moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    monkeypatch.setattr("xstilts.store.lease.life_of", lambda owner: "unknown")  # other machines
    now = [1000.0]
    files = ObjectFiles(Objects(at_moto), tmp_path)

    def lease(off: float) -> Lease:
        return Lease(files, "worker-a", 60.0, lambda: 1e9 + now[0] + off, lambda: now[0])

    theirs, ours = lease(hours * 3600), lease(0.0)
    theirs.take()
    for _ in range(10):
        with pytest.raises(LeaseHeld):
            ours.take()
        now[0] += 10
        assert theirs.renew()
    with pytest.raises(LeaseHeld):
        ours.take()
    now[0] += 61
    ours.take()
    assert not theirs.renew()
    with pytest.raises(LeaseLost, match="has taken over"):
        theirs.check()
    ours.check()
