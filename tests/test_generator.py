"""The generator: the same rows for ever, tasks that are what they say, languages that share what they should."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from xstilts import data, generator
from xstilts.identity import digest
from xstilts.tasks.synthetic import TASKS

DIGEST_OF_VERSION = {1: "e5167c4b20cff638e7f086fe"}
"""Whoever changes a row raises `generator.VERSION` and adds its digest here: old phases are then not found again."""


@cache
def every() -> tuple[tuple[str, str, str, dict[str, Any]], ...]:
    return tuple(
        (name, use, language, generator.rows(name, use, language))
        for name, task in TASKS.items()
        for use in generator.SIZES[name]
        for language in task.languages
    )


def words(language: str) -> set[str]:
    return {word for row in generator.rows("gen-tags", "test", language)["tokens"] for word in row}


def test_rows_are_those_of_their_version() -> None:
    assert (
        digest({f"{name}/{use}/{language}": rows for name, use, language, rows in every()})
        == (DIGEST_OF_VERSION[generator.VERSION])
    )


def test_rows_have_the_sizes_that_are_stated() -> None:
    for name, use, _, rows in every():
        assert {len(column) for column in rows.values()} == {generator.SIZES[name][use]}


def test_train_and_test_rows_of_a_target_are_different() -> None:
    for name in ("gen-doer", "gen-tags", "gen-who"):
        train, test = (
            {str(row) for row in zip(*generator.rows(name, use, "xa").values(), strict=True)}
            for use in ("train", "test")
        )
        assert len(train & test) < 0.02 * len(test)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_task_passes_the_check_that_users_data_must_pass(name: str, tmp_path: Any) -> None:
    context = data.DataContext(mirror=None, base=str(tmp_path), cache=str(tmp_path))
    assert data.check(TASKS[name], "evaluate", context) == []
    if TASKS[name].trainable:
        assert data.check(TASKS[name], "train", context) == []


def test_tokenizer_knows_every_word() -> None:
    tokenizer = generator.tokenizer()
    for language in generator.languages():
        text = " ".join(generator.rows("gen-text", "test", language)["text"])
        assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]


def test_languages_share_words_as_described() -> None:
    source = words("xa")
    shared = [len(source & words(language)) / len(source) for language in ("xb", "xc", "xd")]
    assert shared[0] > shared[1] > shared[2] > 0


def test_parallel_sentences_differ_word_by_word_and_in_xd_by_order() -> None:
    rows = generator.rows("gen-parallel", "test", "xb")
    assert all(
        len(source.split()) == len(target.split())
        for source, target in zip(rows["source_sentence"], rows["target_sentence"], strict=True)
    )
    tags = {language: generator.rows("gen-tags", "test", language)["tags"] for language in ("xa", "xd")}
    verbs = {
        language: [row.index("VERB") / len(row) for row in rows if row.count("VERB") == 1]
        for language, rows in tags.items()
    }
    assert sum(verbs["xd"]) / len(verbs["xd"]) > sum(verbs["xa"]) / len(verbs["xa"]) + 0.2


def test_answers_stand_where_they_say() -> None:
    for name in ("gen-who", "gen-reading"):
        rows = generator.rows(name, "test", "xd")
        for context, answers in zip(rows["context"], rows["answers"], strict=True):
            start, text = answers["answer_start"][0], answers["text"][0]
            assert context[start : start + len(text)] == text


def test_cipher_classes_of_one_meaning_differ_between_languages() -> None:
    from xstilts.generator.examples import _code

    one, other = _code("xa"), _code("xb")
    assert sum(one[concept] == other[concept] for concept in one) / len(one) < 0.25
