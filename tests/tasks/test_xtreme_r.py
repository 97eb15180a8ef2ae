"""Targets of XTREME-R: their languages, and the data that a user brings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import worlds
from tests.tasks.files import write
from xstilts.data import task_data
from xstilts.tasks import PUBLISHED, TASKS, xtreme_r


def test_languages_of_xtreme_r_extend_those_of_xtreme() -> None:
    new = {
        name: set(PUBLISHED[f"{name}_r"].languages) - set(PUBLISHED[name].languages)
        for name in ("udpos", "panx", "xquad", "tatoeba")
    }
    assert new == {
        "udpos": {"lt", "pl", "ro", "uk", "wo"},
        "panx": {"az", "gu", "lt", "pa", "pl", "qu", "ro", "uk"},
        "xquad": {"ro"},
        "tatoeba": {"az", "lt", "pl", "ro", "uk"},
    }
    xtreme_r_tasks = ("xnli", "mlqa", "tydiqa", *xtreme_r.TASKS)
    assert (
        len({language for name in xtreme_r_tasks for language in PUBLISHED[name].languages}) == 50
    )


def test_questions_of_lareqa_are_as_long_as_in_its_script_in_training_too() -> None:
    assert [
        TASKS[name].options.max_question_tokens for name in ("lareqa", "squad_pairs", "mewsli_x")
    ] == [96, 96, 64]


def test_brought_treebanks_give_a_language_its_own_and_no_others(tmp_path: Path) -> None:
    line = "1\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n\n"
    trees = tmp_path / "ud-treebanks"
    for split in ("train", "dev", "test"):
        write(trees / "UD_English-EWT" / f"en_ewt-ud-{split}.conllu", line.format("one", "NUM"))
        write(trees / "UD_English-GUM" / f"en_gum-ud-{split}.conllu", line.format("two", "NUM"))
    write(trees / "UD_Greek-GDT" / "el_gdt-ud-test.conllu", line.format("three", "NOUN"))
    write(
        trees / "UD_Ancient_Greek-PROIEL" / "grc_proiel-ud-test.conllu", line.format("four", "NOUN")
    )
    task = PUBLISHED["udpos_r"].model_copy(update={"languages": ("en", "el")})
    context = worlds.context(tmp_path)
    assert (
        task_data.check(task, "train", context) == task_data.check(task, "evaluate", context) == []
    )
    assert task_data.rows(task, "train", None, context)["tokens"] == [["one"], ["two"]]
    assert task_data.rows(task, "test", "el", context)["tokens"] == [["three"]]


def test_brought_xquad_r_and_mewsli_x_are_read_from_the_places_that_they_name(
    tmp_path: Path,
) -> None:
    context, text = worlds.context(tmp_path), "A cat sat. It slept."
    question = {"id": "q", "question": "Who sat?", "answers": [{"text": "cat", "answer_start": 2}]}
    paragraph = {"context": text, "sentence_breaks": [[0, 10], [11, 20]], "qas": [question]}
    for language in PUBLISHED["lareqa"].languages:
        file = tmp_path / "lareqa" / "xquad-r" / f"{language}.json"
        write(file, json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    assert task_data.check(PUBLISHED["lareqa"], "evaluate", context) == []
    assert task_data.rows(PUBLISHED["lareqa"], "test", "ar", context)["candidate"] == [
        "A cat sat.",
        "It slept.",
    ]
    pair = {"query": "Rome: in { Rome }", "candidate": "capital of Italy", "key": "Q220"}
    for language in PUBLISHED["mewsli_x"].languages:
        worlds.write_jsonl(tmp_path / "mewsli_x" / f"{language}.test.jsonl", [pair])
    for split in ("train", "dev"):
        worlds.write_jsonl(tmp_path / "mewsli_x" / f"en.{split}.jsonl", [pair])
    assert task_data.check(PUBLISHED["mewsli_x"], "train", context) == []
    assert task_data.check(PUBLISHED["mewsli_x"], "evaluate", context) == []


@pytest.mark.parametrize("name", ("udpos_r", "lareqa", "mewsli_x"))
def test_brought_data_that_is_missing_is_told_how_to_get(name: str, tmp_path: Path) -> None:
    problems = task_data.check(PUBLISHED[name], "evaluate", worlds.context(tmp_path))
    # type: ignore[operator]
    assert problems and all(PUBLISHED[name].obtain in problem for problem in problems)
