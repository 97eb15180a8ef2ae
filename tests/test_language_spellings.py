"""Every rule that depends on a language gives one answer, however the language is spelled: for each
language of the built-in tasks, in the spellings that sources, models and papers use.
"""

from __future__ import annotations

import langcodes
import pytest
from hypothesis import given, settings, strategies as st

from xstilts.data.transforms import codes
from xstilts.data.transforms.sentences import blankless, unspaced
from xstilts.scoring import mlqa, segmented
from xstilts.spec import languages
from xstilts.spec.transforms import Translate
from xstilts.tasks import PUBLISHED

WORDS = sorted(
    {word for task in PUBLISHED.values() for word in (*task.languages, *task.train_languages)}
)
OLD = {"he": "iw", "id": "in", "jv": "jw", "tl": "fil", "ro": "mo"}
"""Codes that were changed, and are still met."""
CARD = ("en", "iw", "zho", "ar-EG", "fil", "in", "deu")
TEXTS = (
    "the cat",
    "der Hund",
    "la casa",
    "北京市 の",
    "مقالة الكتاب",
    "của tôi",
    "กรุงเทพ",
    "a 1,2",
)


def spellings(word: str) -> list[str]:
    """Other ways to write the same language in its usual script."""
    whole = langcodes.Language.get(word).maximize()
    three, script, territory = whole.to_alpha3(), whole.script, whole.territory
    found = [word.upper(), three, three.upper(), f"{word}-{script}", f"{word}_{script}"]
    found += [f"{three}_{script}", f"{word}-{territory}", f"{word}_{script}_{territory}"]
    return [*found, *([OLD[word]] if word in OLD else [])]


def answers(word: str) -> dict[str, object]:
    """What every rule says."""
    spec = Translate(model="m", languages=(word,))
    return {
        "language": (languages.resolve(word).code, languages.resolve(word).script),
        "mlqa": [mlqa.normalise(text, word) for text in TEXTS],
        "segmented": [segmented.normalise(text, word) for text in TEXTS],
        "spaces": (blankless(word), unspaced(word)),
        "nllb": codes.code(spec, "nllb", word),
        "m2m100": codes.code(spec, "m2m100", word),
        "seen": languages.seen(CARD, word),
        "trained": [languages.trained_on([one], word) for one in ("en", "zh-TW", "he", "sw")],
        "built in": languages.alias(word, WORDS),
    }


@pytest.mark.parametrize("word", WORDS)
def test_every_rule_gives_one_answer_for_all_spellings(word: str) -> None:
    expected = answers(word)
    for other in spellings(word):
        assert languages.is_known(other), other
        assert answers(other) == expected, other


@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.data())
@settings(deadline=None, max_examples=100)
def test_spellings_of_two_languages_are_as_different_as_the_languages(
    one: str, other: str, data: st.DataObject
) -> None:
    first = data.draw(st.sampled_from(spellings(one)))
    second = data.draw(st.sampled_from(spellings(other)))
    assert languages.same(first, second) is (one == other)
    assert languages.trained_on([first], second) is (one == other)
    assert languages.seen([first], second) is (one == other)


@given(st.text(max_size=20))
@settings(deadline=None, max_examples=200)
def test_any_word_resolves_and_none_that_could_be_a_path_is_known(word: str) -> None:
    languages.resolve(word)
    languages.suggestion(word)
    if languages.is_known(word):
        assert word.isascii()
        assert not set(word) & set("/\\.: \n\x00~*?[]{}%")
