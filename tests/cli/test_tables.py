"""Scores and gains in a log: complete, not squeezed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.printing import shown
from xstilts.cli import tables
from xstilts.errors import InputError
from xstilts.results.moderated import EXAMPLES, SEEDS


def gains_table(**changes: Any) -> pd.DataFrame:
    row = {
        "model": "m",
        "target": "xquad",
        "metric": "qa_mean",
        "level": "mean",
        "intermediate": "squad",
        "baseline": 40.0,
        "gain": 3.21,
        "low": 1.0,
        "high": 5.42,
        "p_holm": 0.01,
        "interval_over": SEEDS,
    }
    return pd.DataFrame([{**row, **changes}])


def test_gains_significant_one_has_a_star_and_its_interval() -> None:
    text = shown(tables.gains, gains_table(), {})
    assert "+3.2* [+1.0, +5.4]" in text
    assert "40.0" in text


def test_gains_open_one_has_no_star_and_missing_interval_is_left_out() -> None:
    text = shown(
        tables.gains, gains_table(gain=-0.5, low=math.nan, high=math.nan, p_holm=math.nan), {}
    )
    assert "-0.5" in text
    assert "-0.5*" not in text
    assert "[nan" not in text


def test_gains_over_examples_alone_say_so_and_that_nothing_is_tested() -> None:
    text = shown(tables.gains, gains_table(p_holm=math.nan, interval_over=EXAMPLES), {})
    assert "[95% interval over test examples alone]; nothing is tested" in text
    assert "* significant" not in text


def test_gains_without_rows_says_why() -> None:
    assert "no gains yet" in shown(tables.gains, gains_table(level="language"), {})


def test_scores_has_a_row_for_each_language_and_their_mean() -> None:
    rows = [
        {
            "model": "m",
            "target": "t",
            "metric": "accuracy",
            "primary": True,
            "language": language,
            "intermediate": name,
            "value": value,
        }
        for language, name, value in [
            ("en", "none", 80),
            ("en", "none", 90),
            ("sw", "none", 40),
            ("en", "squad", 88),
        ]
    ]
    lines = [line.split() for line in shown(tables.scores, pd.DataFrame(rows)).splitlines()]
    assert ["language", "none", "squad"] in lines
    assert ["en", "85.0", "88.0"] in lines
    assert ["sw", "40.0"] in lines
    assert ["mean", "62.5", "88.0"] in lines


def test_scores_of_many_intermediates_are_not_squeezed_in_a_log() -> None:
    names = [f"intermediate-{i}" for i in range(8)]
    rows = [
        {
            "model": "m",
            "target": "t",
            "metric": "accuracy",
            "primary": True,
            "language": "en",
            "intermediate": name,
            "value": 1.0,
        }
        for name in names
    ]
    text = shown(tables.scores, pd.DataFrame(rows))
    assert all(name in text for name in names)


@pytest.mark.parametrize("name", ["a.csv", "deep/er/a.parquet"])
def test_whole_table_is_written_where_it_is_wanted(name: str, tmp_path: Path) -> None:
    tables.write_table(gains_table(), str(tmp_path / name))
    read = pd.read_csv if name.endswith(".csv") else pd.read_parquet
    assert read(tmp_path / name)["gain"].tolist() == [3.21]


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.xls", "must end in .csv or .parquet"), ("file/a.csv", "which can't be written: ")],
)
def test_place_for_a_table_that_is_none_is_refused(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=said):
        tables.write_table(gains_table(), str(tmp_path / name))


def test_table_as_csv_has_no_formulas_and_its_numbers_as_they_are(tmp_path: Path) -> None:
    made = gains_table(model="=cmd|' /C calc'!A0", gain=-3.5, target="@x", metric="-1")
    tables.write_table(made, str(tmp_path / "a.csv"))
    row = pd.read_csv(tmp_path / "a.csv").iloc[0]
    assert (row["model"], row["target"]) == ("'=cmd|' /C calc'!A0", "'@x")
    assert (row["gain"], row["metric"]) == (-3.5, -1)


def test_tables_of_hostile_names_are_printed_as_they_are() -> None:
    named = gains_table(model="[red]m", target="[/x]", intermediate="[bold]")
    text = shown(tables.gains, named, {})
    assert all(name in text for name in ("[red]m", "[/x]", "[bold]"))
