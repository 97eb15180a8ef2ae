"""How a source tells its languages apart: words for them in paths, configurations and filters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import worlds
from tests.support.sweeps import task
from xstilts.data.reading import languages
from xstilts.spec.task import Source, Splits

NAMES = {"en": "english"}


def test_word_is_the_sources_own_or_the_code() -> None:
    one = task("x", language_names=NAMES)
    assert (languages.word(one, "en"), languages.word(one, "sw")) == ("english", "sw")


def test_row_filter_has_the_word_in_each_pattern() -> None:
    source = Source(hub="o/d", row_filter={"id": "{language}-*", "kind": "1?"})
    one = task("x", language_names=NAMES).model_copy(update={"source": source})
    assert languages.row_filter(one, "en") == {"id": "english-*", "kind": "1?"}
    assert languages.row_filter(task("x"), "en") == {}


TEST, TRAIN, DEV = Splits(test="test"), Splits(train="train"), Splits(dev="dev")


@pytest.mark.parametrize(
    ("task_format", "splits", "read"),
    [
        ("classification", Splits(train="train", test="test"), ("de", "en", "sw")),
        ("classification", TEST, ("en", "sw")),
        ("classification", TRAIN, ("de",)),
        ("classification", DEV, ("de",)),
        ("mining", DEV, ("en", "sw")),  # development rows tune the evaluation of each language
        ("mining", Splits(), ()),
    ],
)
def test_languages_that_are_read_are_those_of_the_splits(
    task_format: str, splits: Splits, read: tuple[str, ...]
) -> None:
    one = task("x", task_format, train_language="de").model_copy(update={"splits": splits})
    assert languages.languages_read(one) == read


def several(**source: Any) -> Any:
    """A task in two languages."""
    return task("x").model_copy(update={"splits": TEST, "source": Source(hub="o/d", **source)})


@pytest.mark.parametrize(
    ("pattern", "row_filter", "apart"),
    [
        ("x.{language}", {}, True),
        ("x", {"id": "{language}-*"}, True),
        ("x", {"id": "english-*"}, False),
        ("x", {}, False),
    ],
)
def test_several_languages_are_told_apart_by_pattern_or_filter(
    pattern: str, row_filter: dict[str, str], apart: bool
) -> None:
    assert languages.tells_languages_apart(several(row_filter=row_filter), pattern) is apart


def test_one_language_needs_no_telling_apart() -> None:
    assert languages.tells_languages_apart(several().model_copy(update={"languages": ("sw",)}), "x")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source(hub="o/d"), "dataset o/d"),
        (Source(hub="o/d", config="x.{language}"), "dataset o/d x.english"),
        (Source(generator="gen-tags"), "generator gen-tags"),
        (Source(files=("a.jsonl", "b.jsonl")), "files a.jsonl, b.jsonl"),
        (Source(files=("{language}/a.jsonl",)), "files english/a.jsonl"),
    ],
)
def test_source_is_written_out_without_looking_at_it(source: Source, words: str) -> None:
    task = worlds.review_task(source=source, language_names={"en": "english"})
    assert languages.source_in_words(task, "en") == words


def test_word_of_a_language_under_another_name_is_found() -> None:
    one = task("x", language_names={"he": "hebrew", "pt": "port"}).model_copy(
        update={"languages": ("iw", "pt", "pt-BR", "zh")}
    )
    words = [languages.word(one, language) for language in one.languages]
    assert words == ["hebrew", "port", "pt-BR", "zh"]
    trained = one.model_copy(update={"train_language": "he", "languages": ("iw",)})
    assert languages.word(trained, "iw") == languages.word(trained, "he") == "hebrew"
    both = one.model_copy(update={"languages": ("iw", "he")})
    assert [languages.word(both, language) for language in both.languages] == ["iw", "hebrew"]


@pytest.mark.parametrize(
    ("scored", "apart"),
    [(("en-GB",), True), (("eng",), True), (("de",), False), (("en", "en-GB"), False)],
)
def test_one_file_serves_one_language_under_two_names(scored: tuple[str, ...], apart: bool) -> None:
    one = task("x").model_copy(
        update={"languages": scored, "splits": Splits(train="train", dev="dev", test="test")}
    )
    assert languages.tells_languages_apart(one, "{split}.csv") is apart
