"""Whole sweeps whose store is an object store: killed, gone on with on another machine, and while
the store is away. A machine is a cache of its own here.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import xstilts
from tests.driver.test_engine import LONG, finish, launch, wait_for
from tests.support import object_servers
from tests.support.fault_proxy import Proxy, proxied
from tests.support.tiny import make_sweep
from xstilts.store.objects import Objects

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(autouse=True)
def own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps here name mirrors of their own."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with object_servers.moto() as endpoint, proxied(endpoint) as found:
        for name, value in object_servers.settings(found.address).items():
            monkeypatch.setenv(name, value)
        yield found


def scores(file: Path, store: str | None = None) -> pd.DataFrame:
    table = xstilts.scores(file, store=store)
    return table.sort_values([*table.columns]).reset_index(drop=True)


def begun(place: str) -> list[str]:
    """Keys of partial checkpoints."""
    return [one.key for one in Objects(place).listed(".files") if "/partial/" in one.key]


def sweep_at(folder: Path, place: str, **more: Any) -> Path:
    return make_sweep(folder, "remote", store=place, **more)


def test_sweep_that_is_killed_goes_on_on_another_machine_with_the_folders_scores(
    tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = object_servers.address()
    long = {"intermediate": LONG, "resources": {"slots": 2, "partial_every_seconds": 0.5}}
    file = sweep_at(tmp_path, place, **long)
    driver = launch(file, XSTILTS_CACHE=str(tmp_path / "one"))
    wait_for(lambda: begun(place))
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "two"))
    assert 0 < xstilts.status(file).total == 12
    ended = finish(launch(file, XSTILTS_CACHE=str(tmp_path / "two")))
    # Cached is a phase whose record was there when the driver was killed before it heard of it.
    assert ended["counts"].get("done", 0) + ended["counts"].get("cached", 0) == 12
    assert ended["exit_code"] == 0
    assert xstilts.verify(place).damaged == []

    here = scores(file)
    local = str(tmp_path / "folder")
    assert xstilts.run(file, store=local).counts == {"done": 12}
    pd.testing.assert_frame_equal(here, scores(file, local))
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "three"))
    pd.testing.assert_frame_equal(here, scores(file))
    report = xstilts.report(file)
    assert "topic" in report.files["markdown"].read_text()
    assert any("report.html" in one.key for one in Objects(place).listed("sweeps"))
    assert xstilts.run(file).started == 0


def test_store_that_is_away_for_a_while_is_waited_for(tmp_path: Path, proxy: Proxy) -> None:
    place = object_servers.address()
    long = {"intermediate": LONG, "resources": {"slots": 2, "partial_every_seconds": 1}}
    file = sweep_at(tmp_path, place, **long)
    driver = launch(file, XSTILTS_CACHE=str(tmp_path / "one"))
    wait_for(lambda: begun(place))
    proxy.down()
    time.sleep(20)
    proxy.up()
    out, err = driver.communicate(timeout=240)
    assert driver.returncode == 0, err[-3000:]
    assert '"done": 12' in out
    assert f"{place} does not answer" in err and f"{place} answers again" in err


def test_store_that_stays_away_ends_the_run_in_a_line_and_the_next_run_goes_on(
    tmp_path: Path, proxy: Proxy
) -> None:
    place = object_servers.address()
    long = {"intermediate": LONG, "resources": {"slots": 2, "partial_every_seconds": 0.5}}
    file = sweep_at(tmp_path, place, **long)
    away = {"XSTILTS_STORE_WAIT_SECONDS": "6", "XSTILTS_CACHE": str(tmp_path / "one")}
    driver = launch(file, **away)
    wait_for(lambda: begun(place))
    proxy.down()
    _, err = driver.communicate(timeout=120)
    assert driver.returncode == 1
    last = err.strip().splitlines()[-1]
    assert f"StoreAway: the store {place} did not answer for" in last, err[-3000:]
    assert "the same command carries on from here" in last
    proxy.up()
    ended = finish(launch(file, **away))
    assert ended["counts"] == {"done": 12}
