"""Files that are only appended to: their pieces, copies, and writers that come too late."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import object_servers
from tests.support.fault_proxy import Proxy
from xstilts.errors import LeaseLost, StoreError
from xstilts.store import chained, object_logs
from xstilts.store.object_logs import ObjectLog
from xstilts.store.objects import Objects


def lines(*numbers: int, after: str = chained.FIRST) -> bytes:
    content = b""
    for number in numbers:
        line, after = chained.line_of({"n": number}, after)
        content += line
    return content


@pytest.fixture
def objects(at_moto: str) -> Objects:
    return Objects(at_moto)


def pulled(objects: Objects, path: Path, *, exactly: bool = False) -> ObjectLog:
    log = ObjectLog(objects, "sweeps/s/ledger.jsonl")
    log.pull(path, exactly=exactly)
    return log


def test_what_is_appended_is_pulled_elsewhere(objects: Objects, tmp_path: Path) -> None:
    log = pulled(objects, tmp_path / "one")
    assert not (tmp_path / "one").exists()
    whole = lines(*range(5))
    for line in whole.splitlines(keepends=True):
        log.append(line)
        pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == whole
    assert pulled(objects, tmp_path / "three") and (tmp_path / "three").read_bytes() == whole


def test_piece_that_is_large_is_followed_by_a_new_one_and_few_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy
) -> None:
    monkeypatch.setattr(object_logs, "CHUNK_BYTES", 300)
    objects = Objects(object_servers.address())
    whole = lines(*range(40))
    log = pulled(objects, tmp_path / "one")
    for line in whole.splitlines(keepends=True):
        log.append(line)
    pieces = [one.size for one in objects.listed("sweeps")]
    assert len(pieces) > 5 and max(pieces) < 500
    pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == whole
    proxy.asked.clear()
    more = pulled(objects, tmp_path / "two")
    assert len(proxy.asked) == 2  # the listing and the last piece
    more.append(b"last\n")
    proxy.asked.clear()
    pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == whole + b"last\n"
    (tmp_path / "two").write_bytes(whole[:1000])
    proxy.asked.clear()
    pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == whole + b"last\n"
    assert not [path for _, path in proxy.asked if path.endswith(("000000", "000001"))]


@pytest.mark.parametrize("size", [100_000, 10])
def test_of_two_writers_the_one_that_comes_too_late_is_told(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(object_logs, "CHUNK_BYTES", size)
    pulled(objects, tmp_path / "one").append(b"first\n")
    late, log = pulled(objects, tmp_path / "one"), pulled(objects, tmp_path / "two")
    log.append(b"second\n")
    for _ in range(2):
        with pytest.raises(LeaseLost, match="another run of this sweep writes it now"):
            late.append(b"late\n")
    log.append(b"third\n")
    pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == b"first\nsecond\nthird\n"


def test_copy_that_is_ahead_stays_unless_it_must_be_as_the_store_has_it(
    objects: Objects, tmp_path: Path
) -> None:
    pulled(objects, tmp_path / "one").append(b"first\n")
    (tmp_path / "one").write_bytes(b"first\nsecond\n")
    pulled(objects, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"first\nsecond\n"
    pulled(objects, tmp_path / "one", exactly=True)
    assert (tmp_path / "one").read_bytes() == b"first\n"


def test_copy_of_a_line_that_never_was_sent_gives_way_to_another_runs(
    objects: Objects, tmp_path: Path
) -> None:
    log = pulled(objects, tmp_path / "one")
    log.append(b"first\n")
    (tmp_path / "one").write_bytes(b"first\nnever\n")
    log.append(b"other\n")
    pulled(objects, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"first\nother\n"


def test_file_that_is_written_anew_takes_the_place_of_all(objects: Objects, tmp_path: Path) -> None:
    log = pulled(objects, tmp_path / "one")
    log.append(lines(1, 2, 3))
    late = pulled(objects, tmp_path / "two")
    log.write_anew(lines(1, 3))
    log.append(b"more\n")
    with pytest.raises(LeaseLost):
        late.write_anew(lines(9))
    pulled(objects, tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == lines(1, 3) + b"more\n"


def test_piece_that_is_gone_is_told_and_no_shorter_file(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_logs, "CHUNK_BYTES", 10)
    log = pulled(objects, tmp_path / "one")
    for line in lines(*range(4)).splitlines(keepends=True):
        log.append(line)
    objects.delete([objects.listed("sweeps")[1].key])
    with pytest.raises(StoreError, match="a piece of it is gone"):
        pulled(objects, tmp_path / "two")
