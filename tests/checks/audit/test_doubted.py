"""All doubts of a plan, each told once."""

from __future__ import annotations

from xstilts.checks.audit.doubted import left_out, of_rows
from xstilts.data.looked import Facts
from xstilts.store.doubts import Doubt


def facts(language: str, *doubts: str, rows: int = 10, **lost: int) -> Facts:
    return Facts(
        task="tags", use="test", language=language, rows=rows, doubts=doubts, left_out=lost
    )


def test_one_doubt_in_many_languages_is_one_line() -> None:
    assert list(of_rows([facts(one, "has one row") for one in ("de", "fr", "sw")])) == [
        Doubt(task="tags", message="(test, de, fr, sw) has one row")
    ]


def test_counts_and_marks_of_the_others_are_left_out() -> None:
    found = [
        facts(one, f"{n:,} tokens begin with `{one}:`") for n, one in ((1200, "de"), (7, "fr"))
    ]
    assert [doubt.message for doubt in of_rows(found)] == [
        "(test, de) 1,200 tokens begin with `de:` [also in fr]"
    ]


def test_different_doubts_stay_apart_and_many_languages_are_cut() -> None:
    languages = [f"l{n}" for n in range(20)]
    one, other = of_rows([*(facts(each, "bad") for each in languages), facts("en", "worse")])
    assert one.message.endswith("l11 and 8 more) bad")
    assert other.message == "(test, en) worse"


def test_rows_left_out_are_summed_over_languages_with_those_that_are_used() -> None:
    found = [facts("de", hidden=2), facts("fr", hidden=1, blank=4)]
    assert [doubt.message for doubt in left_out(found)] == [
        "(test) left out: 3 hidden; 20 rows are used",
        "(test) left out: 4 blank; 20 rows are used",
    ]
