"""The store: records last and whole, leases, and what happens on a bad disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.spec.test_phase import spec
from xstilts.errors import CorruptError, LeaseHeld, StoreError
from xstilts.store.local_files import write_json
from xstilts.store.phases import Store


def finished(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store").prepare()
    store.phase(spec().id).finish(spec(), {"dev": {"value": 1.0}}, {})
    return store


def test_phase_without_a_record_is_not_done(tmp_path: Path) -> None:
    store = Store(tmp_path).prepare()
    phase = store.phase(spec().id)
    phase.begin(spec())
    phase.model.mkdir()
    assert not phase.done
    assert store.done() == set()
    with pytest.raises(StoreError, match="no record yet"):
        phase.record()


def test_finish_drops_the_partial_and_keeps_the_first_record(tmp_path: Path) -> None:
    store = finished(tmp_path)
    phase = store.phase(spec().id)
    phase.partial.mkdir()
    phase.finish(spec(), {"dev": {"value": 2.0}}, {})
    assert phase.record()["result"]["dev"]["value"] == 1.0
    assert not phase.partial.exists()
    assert store.done() == {spec().id}


def test_finish_of_another_phase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="asked to finish"):
        Store(tmp_path).phase(spec().id).finish(spec(seed=2), {}, {})


@pytest.mark.parametrize("content", [b"", b'{"id": "x', b"[]", b'{"id": "other", "payload": {}}'])
def test_record_damaged_says_where_and_what_to_do(tmp_path: Path, content: bytes) -> None:
    phase = finished(tmp_path).phase(spec().id)
    (phase.folder / "record.json").write_bytes(content)
    with pytest.raises(CorruptError, match=r"record\.json.*move this folder away"):
        phase.record()


def test_record_with_a_changed_payload_is_refused(tmp_path: Path) -> None:
    phase = finished(tmp_path).phase(spec().id)
    record = phase.record()
    record["payload"]["seed"] = 5
    write_json(phase.folder / "record.json", record)
    with pytest.raises(CorruptError):
        phase.record()


def test_write_json_interrupted_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "record.json"
    write_json(file, {"a": 1})

    def broken(*names: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(StoreError, match="Input/output error"):
        write_json(file, {"a": 2})
    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_prepare_where_nobody_may_write_says_so() -> None:
    code = """
import os, sys
from xstilts.store.phases import Store
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
Store(sys.argv[1]).prepare()
"""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        result = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/store"], capture_output=True, text=True
        )
    assert "not writable" in result.stderr
    assert "give `store:` a folder" in result.stderr


def test_prepare_under_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Store(tmp_path / "file/store").prepare()


def test_write_json_on_a_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a tiny disk needs root")
    try:
        write_json(disk / "record.json", {"a": 1})
        with pytest.raises(
            StoreError, match=r"the disk is full; free some space and run the same command again"
        ):
            write_json(disk / "record.json", {"a": "x" * 200_000})
        assert json.loads((disk / "record.json").read_text()) == {"a": 1}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


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


def test_lease_not_renewed_runs_out_and_its_owner_notices(tmp_path: Path) -> None:
    first = Store(tmp_path).lease("phase", seconds=30)
    first.take()
    past = time.time() - 31
    os.utime(first.path, (past, past))
    second = Store(tmp_path).lease("phase", seconds=30)
    second.take()
    assert second.held()
    assert not first.renew()
    first.release()
    assert second.held()


def test_lease_renewed_does_not_run_out(tmp_path: Path) -> None:
    lease = Store(tmp_path).lease("phase", seconds=30)
    lease.take()
    past = time.time() - 31
    os.utime(lease.path, (past, past))
    assert lease.renew()
    with pytest.raises(LeaseHeld):
        Store(tmp_path).lease("phase", seconds=30).take()


def test_lease_of_a_dead_process_on_this_machine_is_free_at_once(tmp_path: Path) -> None:
    lease = Store(tmp_path).lease("phase")
    lease.take()
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    lease.path.write_text(json.dumps({**lease.owner, "pid": int(dead.stdout)}))
    Store(tmp_path).lease("phase").take()


def test_lease_given_back_is_free(tmp_path: Path) -> None:
    lease = Store(tmp_path).lease("phase")
    lease.take()
    lease.release()
    Store(tmp_path).lease("phase").take()
