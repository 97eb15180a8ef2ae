"""The store that a cluster writes to."""

from __future__ import annotations

from pathlib import Path

from tests.clusters.checking.world import AWS, LOCAL, changed, one
from xstilts.clusters.checking import storage


def test_without_a_store_nothing_is_tried(tmp_path: Path) -> None:
    found = one(storage.checks(changed(tmp_path, AWS), None), "store")
    assert found.ok and "none was tried" in found.what


def test_folder_is_advice_since_every_machine_must_see_it(tmp_path: Path) -> None:
    cloud = one(storage.checks(changed(tmp_path, AWS), "store"), "store")
    own = one(storage.checks(changed(tmp_path, LOCAL), "store"), "store")
    assert (cloud.state, own.state) == ("warn", "warn")
    assert "new machines of a cloud see none" in cloud.what
    assert "new machines" not in own.what


def test_head_s_own_server_is_not_asked_from_here_and_another_one_is(tmp_path: Path) -> None:
    file = changed(tmp_path, AWS)
    own = one(storage.checks(file, "store", "http://127.0.0.1:9"), "tracking")
    assert own.ok and "can't be asked from here" in own.what
    other = one(storage.checks(file, "store", "http://192.0.2.1.invalid:9"), "tracking")
    assert other.state == "warn" and "no answer" in other.what
    assert [found.name for found in storage.checks(file, "store", "off")] == ["store"]
