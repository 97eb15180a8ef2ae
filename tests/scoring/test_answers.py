"""Tables of answers: three ways to score each, and the best threshold for no answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from xstilts.scoring import answers


def test_always_has_all_measures_of_each_answer_in_order() -> None:
    columns = answers.always(["the cat", "dog"], [["cat"], ["a dog", "cat"]], ["en", "en"])
    assert set(columns) == {
        "exact_match",
        "f1",
        "mlqa_exact_match",
        "mlqa_f1",
        "segmented_f1",
        "best_exact_match",
        "best_f1",
    }
    assert columns["exact_match"] == columns["best_exact_match"] == [1.0, 1.0]
    assert columns["f1"] == columns["best_f1"] == [1.0, 1.0]


def test_always_scores_each_answer_by_the_rules_of_its_language() -> None:
    # An article goes in its own language alone: `der Hund` is `Hund` in German.
    columns = answers.always(["der Hund"] * 2, [["Hund"]] * 2, ["de", "en"])
    assert columns["mlqa_exact_match"] == [1.0, 0.0]
    assert columns["exact_match"] == [0.0, 0.0]


def test_always_of_no_answers_is_empty_columns() -> None:
    assert set(map(tuple, answers.always([], [], []).values())) == {()}


DOUBTS = np.array([-1.0, 0.5, 2.0])


def test_with_no_answer_says_nothing_where_the_doubt_is_above_zero() -> None:
    predictions, columns = answers.with_no_answer(
        ["cat", "dog", "cow"], [["cat"], ["dog"], []], ["en"] * 3, DOUBTS
    )
    assert predictions == ["cat", "", ""]
    assert columns["exact_match"] == [1.0, 0.0, 1.0]


def test_with_no_answer_takes_the_threshold_that_is_best_for_the_table() -> None:
    # Answering up to a doubt of 0.5 makes the second one right and leaves the third unanswered.
    _, columns = answers.with_no_answer(
        ["cat", "dog", "cow"], [["cat"], ["dog"], []], ["en"] * 3, DOUBTS
    )
    assert columns["best_exact_match"] == columns["best_f1"] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("text", "right"), [("", 1.0), ("the", 0.0), ("cow", 0.0)])
def test_with_no_answer_answer_to_a_question_without_one_is_wrong_were_it_but_an_article(
    text: str, right: float
) -> None:
    # The other question, with a higher doubt and a right answer, asks for answering both.
    _, columns = answers.with_no_answer(
        [text, "cat", "dog"], [[], ["cat"], ["dog"]], ["en"] * 3, np.array([0.1, 0.2, 0.3])
    )
    assert columns["best_exact_match"] == [right, 1.0, 1.0]


SPELLINGS = {
    "en": ("en", "eng", "en-GB", "EN", "en_US"),
    "zh": ("zh", "zh-CN", "zh_Hans", "zho", "zh-Hant", "cmn"),
    "ar": ("ar", "arb", "ar-EG", "ara"),
    "es": ("es", "spa", "es-MX", "es_419"),
    "de": ("de", "deu", "ger", "de-AT"),
    "vi": ("vi", "vie", "vi-VN"),
    "hi": ("hi", "hin", "hi-IN"),
    "iw": ("iw", "he", "heb"),
    "th": ("th", "tha_Thai"),
}
TEXTS = st.lists(
    st.sampled_from(
        ["the", "a", "der", "die", "la", "ال", "北京", "của", "x", "。", "re-use", "42"]
    ),
    max_size=5,
).flatmap(lambda parts: st.sampled_from([" ".join(parts), "".join(parts)]))


@given(st.sampled_from(sorted(SPELLINGS)), TEXTS, st.lists(TEXTS, min_size=1, max_size=2))
@settings(deadline=None, max_examples=150)
def test_equal_answers_have_equal_measures_however_the_language_is_spelled(
    language: str, text: str, golds: list[str]
) -> None:
    words = SPELLINGS[language]
    n = len(words)
    for columns in (
        answers.always([text] * n, [golds] * n, words),
        answers.with_no_answer([text] * n, [golds] * n, words, np.zeros(n))[1],
    ):
        assert all(len(set(values)) == 1 for values in columns.values())
