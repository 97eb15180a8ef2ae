"""The folder of a sweep as several machines have it: who writes, who reads, what a crash leaves."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support import object_servers
from tests.support.fault_proxy import Proxy
from tests.support.toy import environment
from xstilts.errors import LeaseLost, StoreAway
from xstilts.store import patience, sweep_copies
from xstilts.store.chained import Chained
from xstilts.store.objects import Objects
from xstilts.store.sweep_copies import driven, refresh, send_folder


@pytest.fixture
def objects(at_moto: str) -> Objects:
    return Objects(at_moto)


def ledger(folder: Path, sender: sweep_copies.Sender | None = None) -> Chained:
    found = Chained(
        folder / "ledger.jsonl", follower=sender.follower("ledger.jsonl") if sender else None
    )
    found.read()
    return found


def numbers(folder: Path) -> list[int]:
    found = Chained(folder / "ledger.jsonl").read()
    assert found.faults == ()
    return [row["n"] for row in found.rows]


def test_what_a_run_writes_is_read_on_another_machine(objects: Objects, tmp_path: Path) -> None:
    one, two = tmp_path / "one/s-v1", tmp_path / "two/s-v1"
    with driven(objects, one) as sender:
        (one / "sweep.json").write_text("{}")
        sender.send_files()
        book = ledger(one, sender)
        for number in range(20):
            book.append({"n": number})
        book.durable()
        refresh(objects, two)
        assert numbers(two) == [*range(20)]
        book.append({"n": 20}, {"n": 21})
    refresh(objects, two)
    assert numbers(two) == [*range(22)] and (two / "sweep.json").read_text() == "{}"
    with driven(objects, two) as sender:
        ledger(two, sender).append({"n": 22})
    refresh(objects, one)
    assert numbers(one) == [*range(23)]


def test_many_lines_become_few_writes(tmp_path: Path, proxy: Proxy) -> None:
    objects = Objects(object_servers.address())
    with driven(objects, tmp_path / "s-v1") as sender:
        book = ledger(tmp_path / "s-v1", sender)
        proxy.plan = lambda method, path: 0.2 if method == "PUT" else None
        proxy.asked.clear()
        for number in range(200):
            book.append({"n": number})
        book.durable()
        assert len(proxy.asked) < 40
    assert numbers(tmp_path / "s-v1") == [*range(200)]


def test_copy_of_a_run_on_this_machine_is_left_to_it(objects: Objects, tmp_path: Path) -> None:
    folder = tmp_path / "s-v1"
    with driven(objects, folder) as sender:
        book = ledger(folder, sender)
        book.append({"n": 0})
        book.durable()
        with (folder / "ledger.jsonl").open("ab") as file:
            file.write(b"not sent yet")
        refresh(objects, folder)
        assert (folder / "ledger.jsonl").read_bytes().endswith(b"not sent yet")
    refresh(objects, folder)


def test_line_of_a_run_that_was_killed_before_it_was_sent_counts_for_nothing(
    objects: Objects, tmp_path: Path
) -> None:
    folder = tmp_path / "s-v1"
    with driven(objects, folder) as sender:
        ledger(folder, sender).append({"n": 0})
    ledger(folder).append({"n": 1})
    refresh(objects, folder)
    assert numbers(folder) == [0, 1]
    with driven(objects, folder) as sender:
        assert numbers(folder) == [0]
        ledger(folder, sender).append({"n": 2})
    refresh(objects, tmp_path / "other/s-v1")
    assert numbers(tmp_path / "other/s-v1") == [0, 2]


def test_run_that_another_has_taken_over_writes_nothing_more(
    objects: Objects, tmp_path: Path
) -> None:
    one, two = tmp_path / "one/s-v1", tmp_path / "two/s-v1"
    with pytest.raises(LeaseLost), driven(objects, one) as late:
        book = ledger(one, late)
        book.append({"n": 0})
        book.durable()
        with driven(objects, two) as sender:
            ledger(two, sender).append({"n": 1})
        book.append({"n": 9})
        book.durable()
    refresh(objects, one)
    assert numbers(one) == [0, 1]


def test_book_that_is_mended_is_mended_everywhere(objects: Objects, tmp_path: Path) -> None:
    one, two = tmp_path / "one/s-v1", tmp_path / "two/s-v1"
    with driven(objects, one) as sender:
        book = ledger(one, sender)
        book.append({"n": 0}, {"n": 1}, {"n": 2})
        book.durable()
        refresh(objects, two)
        book.mend([{"n": 0}, {"n": 2}])
        book.append({"n": 3})
    refresh(objects, two)
    assert numbers(two) == [0, 2, 3]


def test_store_that_is_away_is_told_to_who_writes(
    tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Objects(object_servers.address())
    monkeypatch.setenv(patience.WAIT_VARIABLE, "0.3")
    with pytest.raises(StoreAway), driven(objects, tmp_path / "s-v1") as sender:
        book = ledger(tmp_path / "s-v1", sender)
        proxy.down()
        book.append({"n": 0})
        book.durable()
    proxy.up()


def test_store_that_comes_back_gets_all_that_was_written(tmp_path: Path, proxy: Proxy) -> None:
    objects = Objects(object_servers.address())
    with driven(objects, tmp_path / "s-v1") as sender:
        book = ledger(tmp_path / "s-v1", sender)
        proxy.down()
        book.append({"n": 0})
        threading.Timer(0.7, proxy.up).start()
        book.append({"n": 1})
        book.durable()
    refresh(objects, tmp_path / "other/s-v1")
    assert numbers(tmp_path / "other/s-v1") == [0, 1]


def test_report_is_sent_with_its_folders(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "s-v1/report/figures").mkdir(parents=True)
    (tmp_path / "s-v1/report/report.md").write_text("report")
    (tmp_path / "s-v1/report/figures/a.png").write_bytes(b"png")
    send_folder(objects, tmp_path / "s-v1", "report")
    keys = [one.key for one in objects.listed("sweeps")]
    assert keys == ["sweeps/s-v1/report/figures/a.png", "sweeps/s-v1/report/report.md"]
    assert sweep_copies.names(objects) == ["s-v1"]


def test_run_that_is_killed_gives_its_copy_free(objects: Objects, tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from xstilts.store.objects import Objects
from xstilts.store.sweep_copies import driven
with driven(Objects(sys.argv[1]), Path(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, objects.place, str(tmp_path / "s-v1")]
    subprocess.run(command, check=False, timeout=60, env=environment())
    with driven(objects, tmp_path / "s-v1") as sender:
        ledger(tmp_path / "s-v1", sender).append({"n": 0})
    assert numbers(tmp_path / "s-v1") == [0]
