"""Splits of a source: what is missing is named with what there is, and with how to get it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.data.check_messages import problems
from tests.support import worlds
from tests.support.hostile import LEADING_OUT
from xstilts.data import task_data
from xstilts.data.reading import readers, sources
from xstilts.errors import DataError
from xstilts.sources import hub
from xstilts.spec.task import Source, Splits


def test_missing_data_says_how_to_get_it(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "train"): {"text": ["a"], "label": [0]}})
    obtain = "CCGbank is licensed (LDC2005T13): ask its owner"
    absent = [
        Source(files=("gone/{split}.jsonl",)),
        Source(hub="o/gone"),
        Source(hub="o/d", config="gone"),
    ]
    for source in absent:
        task = worlds.review_task(source=source, obtain=obtain)
        with pytest.raises(DataError, match=r"CCGbank is licensed \(LDC2005T13\): ask its owner"):
            task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))


def test_wrong_name_in_data_that_is_there_says_nothing_of_how_to_get_it(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    obtain = "ask its owner"
    (split,) = task_data.check(
        worlds.review_task(obtain=obtain, splits=Splits(train="train", dev="eval")),
        "train",
        worlds.context(tmp_path),
    )
    assert "has no split `eval`; it has" in split and obtain not in split
    many = worlds.review_task(obtain=obtain, languages=("en", "de"))
    (files,) = task_data.check(many, "evaluate", worlds.context(tmp_path))
    assert "one file cannot serve 2 languages" in files and obtain not in files


def test_data_that_is_there_says_nothing_of_how_to_get_it(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(obtain="ask its owner", columns={"text": "gone", "label": "verdict"})
    assert all(
        "ask its owner" not in one
        for one in task_data.check(task, "train", worlds.context(tmp_path))
    )


def test_missing_split_names_those_that_exist_and_how_to_cut(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("default", "validation"): {"text": ["a"], "label": [0]}}
    )
    task = worlds.review_task(source=Source(hub="o/d"), columns={})
    with pytest.raises(DataError, match="has no split `train`; it has `validation`") as error:
        task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))
    assert 'splits: {train: "validation[:80%]"' in str(error.value)


def test_missing_dataset_names_the_nearest_and_the_command(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "org/reviews", {("default", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(worlds.review_task(source=Source(hub="org/reviwes")), tmp_path, mirror=mirror)
    assert "not in the mirror" in found
    assert "; nearest: org/reviews" in found
    assert f"xstilts fetch SWEEP --mirror {mirror}" in found


def test_missing_language_is_told_once_with_those_that_exist(tmp_path: Path) -> None:
    columns = {"text": ["a"], "label": [0]}
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("x.de", "test"): columns, ("x.en", "test"): columns}
    )
    task = worlds.review_task(
        source=Source(hub="o/d", config="x.{language}"),
        columns={},
        languages=("en", "sw", "th", "de"),
    )
    (found,) = task_data.check(task, "evaluate", worlds.context(tmp_path, mirror))
    assert "of this task's languages it has en, de" in found
    assert "[in 2 languages: sw, th]" in found


def test_missing_configuration_lists_them(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("alpha", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(
        worlds.review_task(source=Source(hub="o/d", config="alhpa")), tmp_path, mirror=mirror
    )
    assert "has no configuration `alhpa`; nearest: alpha; it has alpha" in found


def test_many_languages_from_one_configuration_is_refused(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "test"): {"text": ["a"], "label": [0]}})
    task = worlds.review_task(
        source=Source(hub="o/d", config="c"), columns={}, languages=("de", "fr")
    )
    assert "one configuration cannot serve" in problems(task, tmp_path, "evaluate", mirror)


def test_several_configurations_need_a_name(tmp_path: Path) -> None:
    columns = {"text": ["a"], "label": [0]}
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("one", "train"): columns, ("two", "train"): columns}
    )
    found = problems(worlds.review_task(source=Source(hub="o/d")), tmp_path, mirror=mirror)
    assert "has several configurations; set `config:` to one of one, two" in found


def test_content_is_that_of_the_split_wherever_it_lies(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    worlds.review_world(tmp_path / "elsewhere")
    here, there = worlds.context(tmp_path), worlds.context(tmp_path / "elsewhere")
    first = sources.content(task, "train", "en", here)
    assert sources.content(task, "train", "en", there) == first
    assert sources.content(task, "dev", "en", here) != first
    worlds.write_jsonl(tmp_path / "reviews" / "dev.jsonl", worlds.reviews(1))
    assert sources.content(task, "train", "en", here) == first


def test_count_sees_the_filter_of_the_source(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    assert sources.count(task, "train", "en", context) == 40
    source = task.source.model_copy(update={"row_filter": {"verdict": "good"}})
    filtered = task.model_copy(update={"source": source})
    assert sources.count(filtered, "train", "en", context) == 20


def test_count_reads_the_rows_once_for_the_same_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    read: list[str] = []
    real = readers.count

    def count(paths: Any, file_format: str | None) -> int:
        read.append(paths[0].name)
        return real(paths, file_format)

    monkeypatch.setattr(readers, "count", count)
    looks = context.model_copy(update={"looks_only": True})
    assert sources.count(task, "train", "en", looks) == 40  # and keeps nothing
    assert [sources.count(task, "train", "en", context) for _ in range(3)] == [40] * 3
    assert read == ["train.jsonl"] * 2
    (kept,) = (Path(context.cache) / "counts").iterdir()
    kept.write_bytes(b"many")
    assert sources.count(task, "train", "en", context) == 40
    worlds.write_jsonl(tmp_path / "reviews" / "train.jsonl", worlds.reviews(7))
    assert sources.count(task, "train", "en", context) == 7
    assert len(read) == 4


def test_count_of_the_generator_makes_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xstilts.tasks import generator

    task, context = (
        worlds.review_task(source=Source(generator="gen-tags")),
        worlds.context(tmp_path),
    )
    made = sources.read(task, "dev", "xc", (), context).table.num_rows
    monkeypatch.setattr(generator, "rows", None)
    assert sources.count(task, "dev", "xc", context) == made
    with pytest.raises(DataError, match="split is 'gone'; must be one of train"):
        sources.count(task, "gone", "xa", context)


def test_generator_without_the_split_is_told(tmp_path: Path) -> None:
    task = worlds.review_task(source=Source(generator="gen-tags"), columns={})
    with pytest.raises(DataError, match="split is 'gone'; must be one of train"):
        sources.read(task, "gone", "xa", (), worlds.context(tmp_path))


class Listing:
    """A hub that knows nothing but names of files, by revision."""

    def __init__(self, **names: tuple[str, ...]) -> None:
        self._names = {name.replace("__", "/"): files for name, files in names.items()}

    def names(self, kind: str, repository: str, revision: str) -> tuple[str, ...]:
        """Names at a revision."""
        return self._names[revision]


COPY = {"refs__convert__parquet": ("c/train/0000.parquet",)}


def test_loading_script_gives_way_to_the_hubs_own_copy() -> None:
    script: Any = Listing(main=("d.py", "README.md"), **COPY)
    assert sources.hub_listing("o/d", "main", script) == (hub.CONVERTED, COPY[next(iter(COPY))])


def test_files_of_a_pinned_revision_or_beside_other_code_are_taken_as_they_are() -> None:
    other: Any = Listing(main=("tools.py", "train.jsonl"), v1=("d.py", "train.csv"), **COPY)
    assert sources.hub_listing("o/d", "main", other) == ("main", ("tools.py", "train.jsonl"))
    assert sources.hub_listing("o/d", "v1", other) == ("v1", ("d.py", "train.csv"))


def test_names_in_a_folder_leave_out_hidden_folders(tmp_path: Path) -> None:
    for name in ("b/t.jsonl", "a.csv", ".cache/x.lock", "b/.git/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sources.names_in(tmp_path) == ["a.csv", "b/t.jsonl"]


def test_mirror_with_links_out_of_it_is_refused_and_never_walked_for_ever(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "train"): {"text": ["a"], "label": [0]}})
    own = mirror / "datasets/o/d"
    where = worlds.context(tmp_path, mirror)
    task = worlds.review_task(source=Source(hub="o/d", config="c"), labels=("a", "b"))
    (own / "again").symlink_to(own)
    (own / "c" / "up").symlink_to("..")
    assert [name for name in sources.names_in(own) if "again" in name or "up" in name] == []
    assert sources.count(task, "train", "en", where) == 1
    (outside := tmp_path / "outside").mkdir()
    (outside / "train.jsonl").write_text('{"text": "private"}')
    for link, target in (("linked", outside), ("c/train-9.parquet", outside / "train.jsonl")):
        (own / link).symlink_to(target)
        with pytest.raises(DataError, match="a link leads out"):
            sources.names_in(own)
            sources.count(task, "train", "en", where)
        (own / link).unlink()


@pytest.mark.parametrize("name", LEADING_OUT)
def test_dataset_whose_id_leads_out_of_the_mirror_is_refused(name: str, tmp_path: Path) -> None:
    worlds.write_mirror(tmp_path, "o/d", {("c", "train"): {"text": ["a"], "label": [0]}})
    with pytest.raises(DataError, match="names no place in"):
        sources.dataset_folder(str(tmp_path), f"o/{name}")


def test_pipe_as_a_file_of_rows_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.jsonl")
    task = worlds.review_task(source=Source(files=("{split}.jsonl",)))
    with pytest.raises(DataError, match="nothing there"):
        sources.count(task, "train", "en", worlds.context(tmp_path))
