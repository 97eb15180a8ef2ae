"""Raw text of the generated languages: four sorts of lines, the same under the same name."""

from __future__ import annotations

import pytest

from xstilts.tasks.generator import raw_text
from xstilts.tasks.generator.lexicon import LANGUAGES, PUNCTUATION, lexicon

LINES = 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_has_its_number_of_lines_and_is_the_same_again(language: str) -> None:
    lines = raw_text.text(language, LINES)
    assert len(lines) == LINES
    assert raw_text.text(language, LINES) == lines
    assert raw_text.text(language, 10) == lines[:10]


def test_text_of_another_use_or_name_is_another() -> None:
    train = raw_text.text("xa", 20)
    assert raw_text.text("xa", 20, use="dev") != train
    assert raw_text.text("xa", 20, name="other") != train


def test_parallel_lines_are_their_share_and_mean_the_same_on_both_sides() -> None:
    sign = PUNCTUATION["sign.gloss"]
    sides = [line.split(f" {sign} ") for line in raw_text.text("xa", LINES)]
    parallel = [line for line in sides if len(line) == 2]
    assert 0.25 < len(parallel) / LINES < 0.45  # 0.35, standard deviation 0.024
    meanings = {code: {word: c for c, word in lexicon(code).items()} for code in LANGUAGES}
    for own, other in parallel:
        said = sorted(meanings["xa"][word] for word in own.split())
        assert said in [
            sorted(meaning.get(word, "") for word in other.split())
            for code, meaning in meanings.items()
            if code != "xa"
        ]


def test_line_has_words_of_the_lexicons_alone() -> None:
    known = {word for code in LANGUAGES for word in lexicon(code).values()}
    assert {word for line in raw_text.text("xd", LINES) for word in line.split()} <= known
