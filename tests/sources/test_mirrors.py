"""Mirrors in an object store: files come when they are asked for, and when they change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import object_servers, tiny
from tests.support.fault_proxy import Proxy, proxied
from xstilts.api import machine
from xstilts.data.reading import sources
from xstilts.data.reading.raw import Absent
from xstilts.errors import DataError
from xstilts.sources import mirrors
from xstilts.sources.base_models import model_revision, resolve_model
from xstilts.sources.context import DataContext
from xstilts.spec.task import Source, Splits, Task
from xstilts.store import addresses
from xstilts.store.objects import Objects


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_servers.moto() as endpoint:
        yield endpoint


@pytest.fixture
def proxy(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proxy]:
    monkeypatch.setenv(addresses.CACHE_VARIABLE, str(tmp_path / "cache"))
    with proxied(server) as found:
        for name, value in object_servers.settings(found.address).items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def mirror(proxy: Proxy, tmp_path: Path) -> str:
    """A mirror with a model and a dataset, of which `tmp_path/folder` is the same as a folder."""
    folder, place = tmp_path / "folder", object_servers.address()
    tiny.make_model(folder)
    rows = folder / "datasets/org/rows"
    for language in ("en", "sw"):
        (rows / language).mkdir(parents=True)
        for split in ("train", "test"):
            line = f'{{"text": "{split} {language}", "label": "a"}}\n'
            (rows / language / f"{split}.jsonl").write_text(line * 3)
    (rows / "README.md").write_text(
        "---\nconfigs:\n"
        + "".join(
            f"- config_name: {one}\n  data_files:\n"
            f"  - split: train\n    path: {one}/train.jsonl\n"
            f"  - split: test\n    path: {one}/test.jsonl\n"
            for one in ("en", "sw")
        )
        + "---\n"
    )
    objects = Objects(place)
    for path in folder.rglob("*"):
        if path.is_file():
            objects.send(path.relative_to(folder).as_posix(), path)
    mirrors._listing.cache_clear()
    return place


def task() -> Task:
    return Task(
        name="rows",
        format="classification",
        metric="accuracy",
        languages=("en", "sw"),
        labels=("a", "b"),
        source=Source(hub="org/rows", config="{language}"),
        splits=Splits(train="train", dev="train", test="test"),
    )


def sent(proxy: Proxy) -> list[str]:
    """Names of the files that were fetched."""
    names = [path.rpartition("/")[2] for method, path in proxy.asked if method == "GET"]
    return sorted(name for name in names if "list-type" not in name)


def test_rows_of_a_language_are_fetched_once_and_no_others(mirror: str, proxy: Proxy) -> None:
    context = DataContext(mirror=mirror, cache="unused")
    proxy.asked.clear()
    for _ in range(2):
        found = sources._repository(task(), "train", "en", context)
        (path,) = found.splits["train"]
        assert path.read_text() == '{"text": "train en", "label": "a"}\n' * 3
    assert sent(proxy) == ["README.md", "train.jsonl"]
    with pytest.raises(Absent, match=r"dataset org/none: not in the mirror .*org/rows"):
        other = task().model_copy(update={"source": Source(hub="org/none")})
        sources._repository(other, "train", "en", context)


def test_model_is_the_same_as_in_a_folder(mirror: str, tmp_path: Path, proxy: Proxy) -> None:
    here = DataContext(mirror=str(tmp_path / "folder"), cache=str(tmp_path / "a"))
    there = DataContext(mirror=mirror, cache=str(tmp_path / "b"))
    assert model_revision("local/tiny", there) == model_revision("local/tiny", here)
    proxy.asked.clear()
    place = Path(resolve_model("local/tiny", there))
    assert (place / "config.json").is_file() and sent(proxy) == []
    with pytest.raises(DataError, match=r"model local/tine: not in the mirror .*local/tiny"):
        resolve_model("local/tine", there)


def test_file_that_has_changed_in_the_mirror_is_fetched_again(mirror: str, tmp_path: Path) -> None:
    context = DataContext(mirror=mirror, cache=str(tmp_path / "a"))
    before = model_revision("local/tiny", context)
    config = tmp_path / "folder/models/local/tiny/config.json"
    Objects(mirror).put("models/local/tiny/config.json", config.read_bytes() + b"\n")
    assert model_revision("local/tiny", context) == before  # this process has looked
    mirrors._listing.cache_clear()
    assert model_revision("local/tiny", context) != before


def test_context_that_only_looks_fetches_nothing(mirror: str, proxy: Proxy, tmp_path: Path) -> None:
    looks = DataContext(mirror=mirror, cache=str(tmp_path), looks_only=True)
    proxy.asked.clear()
    with pytest.raises(DataError, match=r"not fetched from s3://.* yet"):
        resolve_model("local/tiny", looks)
    with pytest.raises(Absent, match=r"not fetched from s3://.* to this machine yet"):
        sources._repository(task(), "train", "en", looks)
    assert proxy.asked == []


def test_mirror_that_is_away_or_has_credentials_is_a_data_error(
    mirror: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="holds credentials"):
        mirrors.names("s3://key:secret@bucket/a", "models/a/b")
    monkeypatch.setenv("XSTILTS_STORE_WAIT_SECONDS", "0.2")
    proxy.down()
    with pytest.raises(DataError, match="did not answer"):
        mirrors.names(mirror, "models/a/b")


@pytest.mark.parametrize("prefix", ["models/../x", "models//x", "/models", "models/a\nb"])
def test_prefix_that_leads_elsewhere_is_refused(mirror: str, prefix: str) -> None:
    with pytest.raises(DataError, match="no place in a mirror"):
        mirrors.names(mirror, prefix)


def test_names_in_a_mirror_that_lead_elsewhere_are_left_out(
    mirror: str, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.plan = lambda method, path: None
    names = mirrors.names(mirror, "models/local/tiny")
    assert "config.json" in names and not any(".." in name for name in names)


def test_fetch_fills_a_mirror_at_an_address(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = object_servers.address()

    def fill(sweep: object, mirror: str) -> list[str]:
        shutil.copytree(tmp_path / "model/models", Path(mirror) / "models")
        return ["model local/tiny"]

    tiny.make_model(tmp_path / "model")
    filled: Callable[..., list[str]] = fill
    monkeypatch.setattr("xstilts.data.fetch.fetch", filled)
    sweep = tiny.make_sweep(tmp_path)
    assert machine.fetch(sweep, mirror=place) == ["model local/tiny"]
    assert "config.json" in mirrors.names(place, "models/local/tiny")
