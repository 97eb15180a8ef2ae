import pytest

from xstilts.scoring.overlap import Scorer, token_f1


def test_token_f1_counts_a_token_as_often_as_both_have_it() -> None:
    # a a b against a b b: a once, b once shared of 3 and 3
    assert token_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(4 / 6)
    assert token_f1(["a"], ["b"]) == 0.0
    assert token_f1(["a", "b"], ["c"]) == 0.0


def test_scorer_normalises_each_text_once() -> None:
    seen: list[str] = []

    def normalise(text: str) -> str:
        seen.append(text)
        return text.lower()

    scorer = Scorer(normalise)
    for _ in range(3):
        assert scorer.score("A b", ["a B", "c"]) == (1.0, 1.0)
    assert sorted(seen) == ["A b", "a B", "c"]


def test_scorer_without_golds_is_zero_even_for_the_empty_answer() -> None:
    assert Scorer(str, empty_f1=1.0).score("", []) == (0.0, 0.0)


@pytest.mark.parametrize("empty_f1", [0.0, 1.0])
def test_scorer_two_empty_texts_match_with_the_f1_of_the_rules(empty_f1: float) -> None:
    assert Scorer(str, empty_f1=empty_f1).score("", ["", "x"]) == (1.0, empty_f1)
    assert Scorer(str, empty_f1=empty_f1).score("x", [""]) == (0.0, 0.0)
