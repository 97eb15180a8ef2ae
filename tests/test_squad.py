import pytest

from xstilts import squad


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
    assert squad.f1("no no", ["no"]) == pytest.approx(2 / 3)


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


def test_exact_match_any_gold_counts() -> None:
    assert squad.exact_match("An Apple", ["pear", "apple!"]) == 1.0
    assert squad.exact_match("plum", ["pear", "apple"]) == 0.0
