"""The store that a cluster writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.clusters.checking.world import AWS, LOCAL, changed, one
from tests.support import object_servers
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


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A server of buckets; its address."""
    with object_servers.moto() as address:
        yield address


@pytest.fixture
def at_bucket(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in object_servers.settings(bucket).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("at_bucket")
def test_bucket_is_written_conditionally_and_left_as_it_was(tmp_path: Path, bucket: str) -> None:
    file = changed(tmp_path, AWS)
    found = one(storage.checks(file, "s3://laboratory/lab"), "store")
    assert found.ok, found.what
    assert "conditional writes are kept" in found.what and "their own role" in found.what
    s3 = boto3.client("s3", endpoint_url=bucket)
    assert s3.list_objects_v2(Bucket=object_servers.BUCKET)["KeyCount"] == 0


@pytest.mark.usefixtures("at_bucket")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/lab", "there is no such bucket"),
        ("s3://key:topsecret@laboratory/lab", "holds credentials"),
        ("ftp://laboratory/lab", "is no object store"),
    ],
)
def test_bucket_that_cannot_be_used_is_a_problem(tmp_path: Path, address: str, said: str) -> None:
    found = one(storage.checks(changed(tmp_path, AWS), address), "store")
    assert found.state == "fail" and said in found.what
    assert "topsecret" not in found.what + found.fix
