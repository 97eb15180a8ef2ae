"""Words for languages in a sweep file: codes pass, everything else is told at its line."""

from __future__ import annotations

import pytest

from xstilts.errors import SweepError
from xstilts.sweep_file import loads

HEAD = "name: x\nmodels: [a]\nintermediates: [none]\ntargets: [mine]\ntasks:\n  mine:\n"
OWN = (
    "    format: classification\n    metric: accuracy\n    labels: [a, b]\n"
    "    splits: {train: train, dev: dev, test: test}\n"
)
FILES = "    source: {files: ['{split}.{language}.csv']}\n"


def problems(*lines: str, source: str = FILES) -> list[str]:
    text = HEAD + OWN + source + "".join(f"    {line}\n" for line in lines)
    try:
        loads(text)
    except SweepError as error:
        return [str(one) for one in error.problems]
    return []


@pytest.mark.parametrize(
    "line",
    [
        "languages: [zh, zh-CN, zh_Hans, zho]",
        "languages: [en, en-GB, iw, jw, no, qaa, x-mine, sr-Latn, zh-u-co-pinyin]",
        "train_language: en-US",
        "train_language: [en, deu]",
        "language_names: {iw: hebrew}",
    ],
)
def test_codes_in_any_form_pass(line: str) -> None:
    assert problems(line) == []


@pytest.mark.parametrize(
    ("line", "at", "nearest"),
    [
        ("languages: [en, chinese]", "languages[1]", "zh"),
        ("languages: [cz]", "languages[0]", "cs"),
        ("train_language: english", "train_language", "en"),
        ("train_language: [de, english]", "train_language[1]", "en"),
        ("transform: {lookup: {files: [a.csv], languages: [german]}}",
         "transform.lookup.languages[0]", "de"),
        ("language_names: {german: de}", "language_names.german", "de"),
    ],
)  # fmt: skip
def test_name_of_a_language_is_told_with_the_code(line: str, at: str, nearest: str) -> None:
    (told,) = problems(line)
    word = next(w for w in ("chinese", "cz", "english", "german") if w in line)
    names = (
        f". If the source says {word}: `languages: [{nearest}]` and "
        f"`language_names: {{{nearest}: {word}}}`"
    )
    assert told == (
        f'<text>:12: tasks.mine.{at} is "{word}", which is no language code; nearest: {nearest}'
        + ("" if "transform" in at else names)
    )


@pytest.mark.parametrize("word", ["../../x", "..", "a/b", "~", "en\\u0000", "%2e%2e", ""])
def test_hostile_word_is_no_language(word: str) -> None:
    (told,) = problems(f'languages: ["{word}"]')
    assert "languages[0]" in told
    assert "which is no language code" in told


def test_hostile_language_of_a_translation_is_refused() -> None:
    line = "transform: {translate: {model: m, languages: [../x], language_codes: {../x: de}}}"
    assert ["no language code" in told for told in problems(line)] == [True, True]


def test_words_that_differ_in_capitals_only_are_refused() -> None:
    (told,) = problems("languages: [zh, de, ZH]")
    assert told.endswith(
        "tasks.mine.languages has zh and ZH, which differ in capitals only and would share a "
        "file; keep one"
    )
    assert problems("languages: [zh, zh-CN, zh_CN]") == []


def test_languages_of_the_generator_are_for_its_own_tasks() -> None:
    generated = HEAD + "    like: gen-fits\n    languages: [xa, xd]\n"
    assert loads(generated).task("mine").languages == ("xa", "xd")
    (told,) = problems("languages: [xa]")
    assert told.endswith(
        'is "xa", a language of the generator\'s own tasks; give yours a code such as x-xa'
    )


def test_built_in_tasks_have_codes_only() -> None:
    from xstilts.spec.languages import is_known
    from xstilts.tasks import PUBLISHED

    for task in PUBLISHED.values():
        for word in (*task.languages, *task.train_languages, *task.language_names):
            assert is_known(word), (task.name, word)
