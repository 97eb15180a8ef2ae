"""Files in an object store: the contract on two servers that speak S3, through a proxy that fails,
and what only an object store does.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from tests.store.files_contract import FilesContract, Pair
from tests.support import object_servers
from tests.support.fault_proxy import Proxy
from xstilts.errors import CorruptError, LeaseLost, StoreError
from xstilts.store.object_files import GONE, ObjectFiles
from xstilts.store.objects import Objects


def files_at(place: str, home: Path) -> ObjectFiles:
    """The files as another process would have them: with connections of its own."""
    return ObjectFiles(Objects(place), home)


class TestOnMoto(FilesContract):
    """The contract at moto."""

    @pytest.fixture
    def files(self, at_moto: str, tmp_path: Path) -> Pair:
        return files_at(at_moto, tmp_path / "home"), files_at(at_moto, tmp_path / "home")


class TestOnMinistack(FilesContract):
    """The contract at ministack, from two machines."""

    @pytest.fixture
    def files(self, ministack: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pair:
        for name, value in object_servers.settings(ministack).items():
            monkeypatch.setenv(name, value)
        place = object_servers.address()
        return files_at(place, tmp_path / "home"), files_at(place, tmp_path / "home")


class TestThroughFailingNetwork(FilesContract):
    """The contract where every third request meets a fault: none of it may be noticed."""

    test_name_that_is_none_is_refused_and_nothing_is_touched = None  # type: ignore[assignment]
    """It asks for nothing."""

    @pytest.fixture
    def files(self, proxy: Proxy, tmp_path: Path) -> Pair:
        place = object_servers.address()
        kinds = itertools.cycle(["lost", 500, "cut", 503, 409, "cut short", 0.02])
        count = itertools.count()
        proxy.plan = lambda method, path: None if next(count) % 3 else next(kinds)
        return files_at(place, tmp_path / "home"), files_at(place, tmp_path / "home")


# -- what only an object store does


def test_copies_on_two_machines_are_fetched_once_on_each(
    at_moto: str, tmp_path: Path, proxy: Proxy
) -> None:
    place = object_servers.address()
    one, two = files_at(place, tmp_path / "one"), files_at(place, tmp_path / "two")
    with one.scratch("phases/a") as made:
        (made / "weights").write_bytes(b"\xff" * 5000)
        one.keep(made, "phases/a/model")
    proxy.asked.clear()
    assert (one.folder("phases/a/model") / "weights").read_bytes() == b"\xff" * 5000
    assert not [path for _, path in proxy.asked if "weights" in path]
    for _ in range(3):
        assert (two.folder("phases/a/model") / "weights").read_bytes() == b"\xff" * 5000
    assert len([path for _, path in proxy.asked if "weights" in path]) == 1


def test_large_file_goes_up_in_parts_and_comes_down_in_pieces(at_moto: str, tmp_path: Path) -> None:
    one, two = files_at(at_moto, tmp_path / "one"), files_at(at_moto, tmp_path / "two")
    content = os.urandom(1000) * 40_000
    with one.scratch("phases/a") as made:
        (made / "weights").write_bytes(content)
        (made / "empty").write_bytes(b"")
        one.keep(made, "phases/a/model")
    folder = two.folder("phases/a/model")
    assert (folder / "weights").read_bytes() == content
    assert (folder / "empty").read_bytes() == b""


def test_file_that_is_kept_again_is_not_sent_again(
    at_moto: str, tmp_path: Path, proxy: Proxy
) -> None:
    files = files_at(object_servers.address(), tmp_path)
    for step in ("1", "2"):
        with files.scratch("phases/a") as made:
            (made / "best.pt").write_bytes(b"\xff" * 5000)
            (made / "state.pt").write_bytes(step.encode() * 5000)
            files.keep(made, f"phases/a/partial/{step}")
        files.remove("phases/a/partial/0")
    sent = [path for method, path in proxy.asked if method == "PUT" and "best.pt" in path]
    assert len(sent) == 1
    files.remove("phases/a/partial/1")
    other = files_at(files.objects.place, tmp_path / "other")
    assert (other.folder("phases/a/partial/2") / "best.pt").read_bytes() == b"\xff" * 5000


def test_contents_of_a_writer_that_came_too_late_are_rubbish_and_swept_up(
    at_moto: str, tmp_path: Path
) -> None:
    files = files_at(at_moto, tmp_path)
    old = files.owned("phases/a", "old", lambda: None)
    new = files.owned("phases/a", "new", lambda: None)
    new.write("phases/a/predictions/en", b"\xfe" * 300)
    with pytest.raises(LeaseLost):
        old.write("phases/a/predictions/en", b"\xff" * 700)
    files.swap("leases/x", None, b"mine")
    files.swap("leases/x", b"mine", None)
    assert files.rubbish().keys == []
    found = files.rubbish(older=-60)
    files.objects.delete(found.keys)
    assert len(found.keys) == 2 and found.bytes == 700 + len(GONE)
    assert files.rubbish(older=-60).keys == []
    assert files.read("phases/a/predictions/en") == b"\xfe" * 300
    assert files.read("leases/x") is None and files.swap("leases/x", None, b"again")


def test_content_that_is_gone_or_changed_is_an_error_and_no_other_file(
    at_moto: str, tmp_path: Path
) -> None:
    files = files_at(at_moto, tmp_path)
    with files.scratch("phases/a") as made:
        (made / "x").write_bytes(b"\xff" * 50)
        files.keep(made, "phases/a/model")
    (key,) = [one.key for one in files.objects.listed(".files")]
    files.objects.put(key, b"\xfe" * 50)
    with pytest.raises(CorruptError, match="x is not as it was written"):
        files_at(at_moto, tmp_path / "two").folder("phases/a/model")
    files.objects.delete([key])
    with pytest.raises(CorruptError, match="is gone from the store"):
        files_at(at_moto, tmp_path / "two").folder("phases/a/model")
    assert files.read("phases/a/model/x") is None


def test_manifest_that_is_damaged_is_told_with_its_object(at_moto: str, tmp_path: Path) -> None:
    files = files_at(at_moto, tmp_path)
    files.write("phases/a/record.json", b"{}")
    content = files.objects.get(".manifests/phases/a").content
    files.objects.put(".manifests/phases/a", content.replace(b"{}", b"[]"))
    with pytest.raises(StoreError, match=r"\.manifests/phases/a: damaged .* remove this object"):
        files.has("phases/a/record.json")


def test_what_is_expected_is_asked_for_once(at_moto: str, tmp_path: Path, proxy: Proxy) -> None:
    files = files_at(object_servers.address(), tmp_path)
    for name in "abc":
        files.write(f"phases/{name}/record.json", b"{}")
    proxy.asked.clear()
    lacking = files.expect([f"phases/{name}" for name in "abcd"], "record.json")
    assert lacking == {"phases/d"}
    assert len(proxy.asked) == 4
    assert [files.has(f"phases/{name}/record.json") for name in "abc"] == [True] * 3
    assert files.read("phases/a/record.json") == b"{}"
    assert len(proxy.asked) == 4


def test_owner_needs_two_questions_for_a_file(at_moto: str, tmp_path: Path, proxy: Proxy) -> None:
    own = files_at(object_servers.address(), tmp_path).owned("phases/a", "me", lambda: None)
    own.write("phases/a/spec.json", b"{}")
    proxy.asked.clear()
    assert not own.has("phases/a/record.json")
    own.write("phases/a/predictions/en", b"\xff" * 500)
    assert [method for method, _ in proxy.asked] == ["PUT", "PUT"]
    proxy.asked.clear()
    own.swap("phases/a/record.json", None, b"{}")
    assert [method for method, _ in proxy.asked] == ["PUT"]


def test_files_whose_content_is_gone_can_be_moved_and_are_no_rubbish_there(
    at_moto: str, tmp_path: Path
) -> None:
    files = files_at(at_moto, tmp_path)
    for name in ("x", "y"):
        files.write(f"phases/a/model/{name}", name.encode() + b"\xff" * 50)
    (gone,) = [one.key for one in files.objects.listed(".files") if one.key.endswith("/x")]
    files.objects.delete([gone])
    files.move("phases/a", "damaged/a-1")
    assert files.names("phases") == [] and files.names("damaged") == ["a-1"]
    files.write("phases/a/model/y", b"\xfe" * 20)
    assert files.rubbish(older=-60).keys == []
    assert files.read("damaged/a-1/model/y") == b"y" + b"\xff" * 50
    assert files.read("damaged/a-1/model/x") is None
    files.remove("phases/a")
    assert files.read("damaged/a-1/model/y") == b"y" + b"\xff" * 50
