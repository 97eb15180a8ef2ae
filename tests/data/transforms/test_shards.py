"""Translations on disk: made once, resumed where a call was killed, shared by all who wait."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.data.transforms.transform_files import into
from tests.support import transform_worlds as worlds
from xstilts.data import made_again, transforms
from xstilts.data.transforms import shards
from xstilts.data.transforms.translator import Translator


def shard_files(folder: Path) -> list[Path]:
    return sorted((folder / "cache/transforms").glob("*/*/*.parquet"))


def many(folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[int]]:
    """A task of twenty texts, five to a shard, and how many sentences the model is given from now
    on.
    """
    monkeypatch.setattr(shards, "SENTENCES_PER_SHARD", 5)
    given: list[int] = []
    real = Translator.translated

    def counted(self: Translator, texts: Any, language: str) -> Any:
        given.append(len(texts))
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", counted)
    rows = [
        {"text": f"The {word} sees {'the ' * i}cat.", "label": "a"}
        for i in range(10)
        for word in ("dog", "house")
    ]
    return worlds.task(folder, "classification", rows, into(model, "de")), given


def test_killed_translation_goes_on_with_the_missing_shards(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    whole = worlds.made(tmp_path, task)
    assert given == [5, 5, 5, 5]
    files = shard_files(tmp_path)
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:40])  # cut short by a power failure
    assert worlds.made(tmp_path, task) == whole
    assert given[4:] == [5, 5]
    assert worlds.made(tmp_path, task) == whole and given[6:] == []


def test_flipped_or_cut_shard_is_translated_again_and_told(tmp_path: Path) -> None:
    texts = [f"sentence {i}" for i in range(20)]
    folder = tmp_path / "transforms/key/de"
    asked: list[int] = []

    def opens() -> shards.Translate:
        def translate(some: Sequence[str]) -> list[str]:
            asked.append(len(some))
            return [text[::-1] for text in some]

        return translate

    meant = shards.translated(texts, folder, opens)
    (file,) = folder.glob("*.parquet")
    whole, rng = file.read_bytes(), random.Random(0)
    for number in range(150):
        place = rng.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << rng.randrange(8)])
        file.write_bytes(whole[:place] + (flipped + whole[place + 1 :]) * (number % 2))
        assert shards.translated(texts, folder, opens) == meant
        assert len(made_again.told(tmp_path)) == 1
        assert file.read_bytes() == whole
    assert asked == [20] * 151


def test_translation_stopped_in_the_middle_keeps_what_it_has(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    real = Translator.translated

    def stops(self: Translator, texts: Any, language: str) -> Any:
        if len(given) == 2:
            raise KeyboardInterrupt
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", stops)
    with pytest.raises(KeyboardInterrupt):
        worlds.made(tmp_path, task)
    assert len(shard_files(tmp_path)) == 2
    monkeypatch.setattr(Translator, "translated", real)
    assert len(worlds.made(tmp_path, task)) == 20
    assert given == [5, 5, 5, 5]


def test_translation_under_way_says_how_far_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = many(tmp_path, model, monkeypatch)
    cache, seen = tmp_path / "cache", []
    real = Translator.translated

    def looks(self: Translator, texts: Any, language: str) -> Any:
        seen.extend(
            (one["language"], one["done"], one["of"]) for one in transforms.under_way(cache, 0.0)
        )
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", looks)
    worlds.made(tmp_path, task)
    assert seen == [("de", 0, 20), ("de", 5, 20), ("de", 10, 20), ("de", 15, 20)]
    assert transforms.under_way(cache, 0.0) == []  # nobody is at work any more
    (state,) = cache.glob("transforms/*/*/progress.json")
    state.write_text('{"language": "de", "done": 5, "of": 20}')
    assert (
        transforms.under_way(cache, state.stat().st_mtime + 1) == []
    )  # left by a run that was killed before


def test_more_rows_translate_only_the_new_ones(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    worlds.made(
        tmp_path, task.model_copy(update={"limits": task.limits.model_copy(update={"train": 12})})
    )
    assert sum(given) == 12
    worlds.made(tmp_path, task)
    assert sum(given) == 20
    assert transforms.facts(task, worlds.context(tmp_path)) is not None


def test_whoever_comes_second_waits_and_finds_the_first_one_s_translations(tmp_path: Path) -> None:
    opened: list[str] = []
    found: dict[str, Any] = {}

    def call(name: str) -> None:
        found[name] = shards.translated(["a", "b"], tmp_path / "de", lambda: opens(name))

    second = threading.Thread(target=call, args=("second",))

    def opens(name: str) -> shards.Translate:
        opened.append(name)
        second.start()  # while the first one holds the lock
        return lambda texts: [text.upper() for text in texts]

    call("first")
    second.join(timeout=30)
    assert opened == ["first"]
    assert found["first"] == found["second"] == {"a": "A", "b": "B"}
