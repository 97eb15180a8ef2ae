"""Split expressions: what they cut, and what is no expression."""

from __future__ import annotations

import pytest

from xstilts.errors import DataError
from xstilts.spec.splits import names, parse


def spans(expression: str, n_rows: int) -> list[tuple[str, int, int]]:
    """What an expression cuts out of splits of `n_rows`."""
    return [(piece.name, *piece.span(n_rows)) for piece in parse(expression)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("validation", [("validation", 0, 10)]),
        ("validation[:80%]", [("validation", 0, 8)]),
        ("validation[80%:]", [("validation", 8, 10)]),
        ("train[2:5]", [("train", 2, 5)]),
        ("train[:]", [("train", 0, 10)]),
        ("train[3:]", [("train", 3, 10)]),
        ("train[12.5%:50%]", [("train", 1, 5)]),
        ("train + validation[:50%]", [("train", 0, 10), ("validation", 0, 5)]),
        ("validation_matched", [("validation_matched", 0, 10)]),
        ("train[ :5]", [("train", 0, 5)]),
    ],
)
def test_expression_of_ten_rows_cuts_the_rows_it_says(
    expression: str, expected: list[tuple[str, int, int]]
) -> None:
    assert spans(expression, 10) == expected


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 7, 99, 1000, 10_042])
@pytest.mark.parametrize("percent", ["1", "33", "80", "99.9"])
def test_two_shares_at_one_point_make_the_whole_without_overlap(n_rows: int, percent: str) -> None:
    (_, start, middle), (_, again, stop) = spans(f"a[:{percent}%]+a[{percent}%:]", n_rows)
    assert (start, middle, stop) == (0, again, n_rows)


@pytest.mark.parametrize("expression", ["train[100:200]", "train[100:]", "train[:0%]"])
def test_cut_beyond_the_end_is_empty_never_negative(expression: str) -> None:
    ((_, start, stop),) = spans(expression, 10)
    assert start == stop


def test_cut_over_the_end_stops_there() -> None:
    assert spans("train[5:200]", 10) == [("train", 5, 10)]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "train[",
        "train[5]",
        "train[a:b]",
        "train[-10%:]",
        "train[:1.5]",
        "train+",
        "tr ain",
        "train[:5:2]",
        "[1:2]",
    ],
)
def test_no_expression_raises_with_the_grammar(expression: str) -> None:
    with pytest.raises(DataError, match=r"must be `name`"):
        parse(expression)


@pytest.mark.parametrize("expression", ["train[5:5]", "train[9:3]", "train[80%:20%]"])
def test_start_behind_its_end_raises(expression: str) -> None:
    with pytest.raises(DataError, match="cuts nothing out"):
        parse(expression)


def test_more_than_everything_raises() -> None:
    with pytest.raises(DataError, match="more than 100%"):
        parse("train[:120%]")


def test_names_are_each_told_once_in_order() -> None:
    assert names("validation[80%:]+train+validation[:10]") == ("validation", "train")
