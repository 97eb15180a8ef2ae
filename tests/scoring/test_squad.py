import numpy as np
import pytest

from xstilts.scoring import squad


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Denver\tBroncos.", "denver broncos"),
        ("a re-use of an apple", "reuse of apple"),  # punctuation goes without a blank
        ("$1,000.50", "100050"),
        ("theatre, Anna", "theatre anna"),  # articles are whole words
        ("the.", ""),
        ("The-a", "thea"),  # punctuation goes before articles do
        ("首都は、東京。", "首都は、東京。"),  # full-width punctuation is not ASCII
        ("ÉCOLE", "école"),
        ("", ""),
    ],
)
def test_normalise_text_follows_v11(text: str, normalised: str) -> None:
    assert squad.normalise(text) == normalised


def test_score_same_but_for_article_case_and_stop_is_exact() -> None:
    assert squad.score("the Eiffel tower", ["Eiffel Tower."]) == (1.0, 1.0)


def test_score_partial_overlap_is_harmonic_mean() -> None:
    # "in paris france" against "paris": precision 1/3, recall 1, F1 = 2 * 1/3 / (4/3) = 1/2
    assert squad.score("in Paris, France", ["Paris"]) == (0.0, 0.5)


def test_score_repeated_tokens_count_as_often_as_they_stand() -> None:
    # shared: "no" once; 2 * 1 / (2 + 1)
    assert squad.score("no no", ["no"]).f1 == pytest.approx(2 / 3)


def test_score_several_golds_takes_best_of_each_measure() -> None:
    assert squad.score("10 km", ["about 10 km", "10", "km 10"]) == (0.0, 1.0)


def test_score_empty_prediction_is_zero() -> None:
    assert squad.score("", ["Paris"]) == (0.0, 0.0)


def test_score_empty_against_only_article_is_exact_without_f1() -> None:
    assert squad.score("", ["the"]) == (1.0, 0.0)


def test_score_without_golds_is_zero() -> None:
    assert squad.score("Paris", []) == (0.0, 0.0)


def test_score_chinese_is_one_token() -> None:
    assert squad.score("北京市", ["北京"]) == (0.0, 0.0)
    assert squad.score("北京", ["北京"]) == (1.0, 1.0)


def test_score_thai_with_blank_splits_there_alone() -> None:
    # 2 * 1 / (1 + 2)
    assert squad.score("ประเทศไทย", ["ประเทศไทย กรุงเทพ"]) == pytest.approx((0.0, 2 / 3))


def test_score_spanish_article_stays() -> None:
    assert squad.score("la casa", ["casa"]) == pytest.approx((0.0, 2 / 3))


def test_score_any_gold_counts() -> None:
    assert squad.score("An Apple", ["pear", "apple!"]) == (1.0, 1.0)
    assert squad.score("plum", ["pear", "apple"]) == (0.0, 0.0)


def test_score_answer_of_punctuation_alone_is_exact_without_f1() -> None:
    # "?!" and "..." both normalise to nothing: equal, and no token shared
    assert squad.score("?!", ["..."]) == (1.0, 0.0)
    # In full width it is no ASCII punctuation and stays
    assert squad.score("？", ["！"]) == (0.0, 0.0)


# -- v2.0


def score_v2(prediction: str, golds: list[str]) -> tuple[float, float]:
    return squad.scorer_v2().score(prediction, squad.golds_v2(golds))


def test_score_v2_question_without_answer_is_right_only_where_empty() -> None:
    assert score_v2("", []) == (1.0, 1.0)
    assert score_v2("the", []) == (1.0, 1.0)  # an article alone normalises to nothing
    assert score_v2("Paris", []) == (0.0, 0.0)


def test_score_v2_empty_prediction_of_a_question_with_answer_is_zero() -> None:
    assert score_v2("", ["Paris"]) == (0.0, 0.0)


def test_score_v2_gold_that_normalises_to_nothing_is_dropped() -> None:
    assert squad.golds_v2(["the", "Paris", "."]) == ["Paris"]
    assert score_v2("", ["the", "Paris"]) == (0.0, 0.0)
    assert squad.golds_v2(["the"]) == [""]
    assert score_v2("...", ["the"]) == (1.0, 1.0)


def test_score_v2_with_answers_is_v1() -> None:
    assert score_v2("in Paris, France", ["Paris", "the city of Paris"]) == (0.0, 0.5)


def test_answered_takes_the_best_run_of_least_doubt() -> None:
    # In order of doubt (-3, -1, 0, 2): gains +1, -1, +1, +0.5; sums 1, 0, 1, 1.5: all are answered.
    doubt, gain = np.array([0.0, -3.0, 2.0, -1.0]), np.array([1.0, 1.0, 0.5, -1.0])
    assert squad.answered(doubt, gain).tolist() == [True, True, True, True]
    # Without the last half the best sum is 1, first reached after the first question.
    assert squad.answered(doubt, np.array([1.0, 1.0, 0.0, -1.0])).tolist() == [
        False,
        True,
        False,
        False,
    ]


def test_answered_without_gain_answers_nothing() -> None:
    assert squad.answered(np.array([0.0, 1.0]), np.array([-1.0, 0.0])).tolist() == [False, False]
    assert squad.answered(np.array([]), np.array([])).tolist() == []


def test_answered_equal_doubts_may_be_parted_as_they_come() -> None:
    # Same doubt: +1 then -1. The official script counts after the first of the two.
    assert squad.answered(np.array([0.5, 0.5]), np.array([1.0, -1.0])).tolist() == [True, False]
    assert squad.answered(np.array([0.5, 0.5]), np.array([-1.0, 1.0])).tolist() == [False, False]
