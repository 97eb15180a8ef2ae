"""Whole sweeps whose store and mirror are in an object store, each verb on a machine of its own (a
cache of its own): killed, gone on with elsewhere, read elsewhere, and equal to a folder's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import xstilts
from tests.support import no_engine, object_servers
from tests.support.tiny import make_sweep
from tests.support.toy import ROOT, environment
from xstilts.api import runs
from xstilts.errors import LeaseHeld, StoreAway
from xstilts.sources import mirrors
from xstilts.store.objects import Objects


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    monkeypatch.setattr(runs, "_run", no_engine.run_here())
    with object_servers.moto() as endpoint:
        for name, value in object_servers.settings(endpoint).items():
            monkeypatch.setenv(name, value)
        yield object_servers.address()


def scores(file: Path, store: str) -> pd.DataFrame:
    table = xstilts.scores(file, store=store)
    return table.sort_values([*table.columns]).reset_index(drop=True)


def test_sweep_killed_on_one_machine_and_ended_on_another_equals_that_of_a_folder(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on(machine: str) -> None:
        monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / machine))

    mirror = object_servers.address()
    file = make_sweep(tmp_path, mirror=mirror, seeds=[1])
    for path in (tmp_path / "mirror").rglob("*"):
        if path.is_file():
            Objects(mirror).send(path.relative_to(tmp_path / "mirror").as_posix(), path)
    mirrors._listing.cache_clear()

    command = [sys.executable, str(ROOT / "tests/support/no_engine.py"), str(file), place, "2"]
    one = {**environment(), "XSTILTS_CACHE": str(tmp_path / "one")}
    killed = subprocess.run(command, env=one, capture_output=True, timeout=300)
    assert killed.returncode == -9, killed.stderr.decode()[-3000:]
    partials = [one.key for one in Objects(place).listed(".files") if "/partial/" in one.key]
    assert partials

    on("two")
    before = xstilts.status(file, store=place)
    assert before.counts["done"] == 2 and before.counts["running"] == 1
    told: list[str] = []
    ended = xstilts.run(file, store=place, warn=told.append)
    assert ended.counts == {"done": before.total} and ended.exit_code == 0
    assert ended.started == before.total - 2
    assert ended.copy_of == f"{place}/sweeps/{Path(ended.folder).name}"
    assert not any("damage" in one or "lost" in one for one in told)

    on("three")
    assert xstilts.status(file, store=place).counts["done"] == before.total
    here = scores(file, place)
    report = xstilts.report(file, store=place)
    assert "topic" in report.files["markdown"].read_text()
    sent = [one.key for one in Objects(place).listed("sweeps")]
    assert "sweeps/tiny-v1/report/report.html" in sent
    found = xstilts.verify(place)
    assert found.damaged == [] and found.phases == before.total and found.sweeps == 1
    on("two")  # `why` looks only, and this machine has the model
    standing = {answer.standing for answer in xstilts.why(file, store=place).answers.values()}
    assert standing == {"done"}
    on("three")
    tracked = xstilts.track(file, store=place, tracking=f"sqlite:///{tmp_path}/mlflow.db")
    assert tracked.unreadable == []
    written = xstilts.export(file, "first/topic", tmp_path / "exported", store=place)
    assert written is not None
    assert xstilts.run(file, store=place).started == 0

    folder = str(tmp_path / "folder")
    assert xstilts.run(file, store=folder).counts == ended.counts
    pd.testing.assert_frame_equal(here, scores(file, folder))
    texts = [Objects(place).get(one.key) for one in Objects(place).listed("sweeps")]
    assert not any(b"testing" in one.content for one in texts if one is not None)  # the keys


def test_two_runs_of_one_sweep_and_a_store_that_is_not_there_are_told(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "one"))
    file = make_sweep(tmp_path)
    store = xstilts.Store(place)
    with store.lease("sweep-tiny-v1").kept(), pytest.raises(LeaseHeld, match="at work on it"):
        xstilts.run(file, store=place)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("XSTILTS_STORE_WAIT_SECONDS", "0.2")
    ran = subprocess.run(
        [sys.executable, "-m", "xstilts", "status", str(file), "--store", place, "--json"],
        env={**environment(), **os.environ},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 1
    said = json.loads(ran.stdout)["error"]
    assert said["kind"] == StoreAway.__name__
    assert said["message"].startswith(f"the store {place} did not answer for ")
