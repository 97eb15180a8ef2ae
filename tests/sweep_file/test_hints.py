"""Types in words, and scalars of exactly a type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from xstilts.spec.hyperparameters import Choice, LogRange, Settings, Space
from xstilts.spec.names import Name
from xstilts.spec.task import ColumnName, Source, Task
from xstilts.sweep_file.any_options import AnyOptions
from xstilts.sweep_file.hints import (
    WRONG,
    describe,
    hint_of,
    keys_of,
    kind,
    least_items,
    members,
    optional,
    scalar,
    shown,
    split,
    state,
)

Positive = Annotated[float, Field(gt=0)]


@pytest.mark.parametrize(
    ("hint", "raw", "clean"),
    [
        (int, 3, 3),
        (int, 1e3, 1000),
        (int, 2.5, WRONG),
        (int, True, WRONG),
        (int, "3", WRONG),
        (str, 3, WRONG),
        (ColumnName, 3, "3"),
        (ColumnName, True, WRONG),
        (ColumnName, [3], WRONG),
        (float, 1, 1.0),
        (float, True, WRONG),
        (float, float("nan"), WRONG),
        (Positive, 0, WRONG),
        (Positive, 2, 2.0),
        (bool, 1, WRONG),
        (str, 3, WRONG),
        (Literal["a", "b"], "a", "a"),
        (Literal["a", "b"], "c", WRONG),
        (Name, "a b", WRONG),
    ],
)
def test_scalar_is_of_exactly_its_type_or_wrong(hint: Any, raw: Any, clean: Any) -> None:
    found = scalar(hint, raw)
    assert found is WRONG if clean is WRONG else (found, type(found)) == (clean, type(clean))


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (bool, "true or false"),
        (str, "text"),
        (int, "a whole number"),
        (Positive, "a number above 0"),
        (Annotated[int, Field(ge=1)], "a whole number, 1 or more"),
        (Annotated[float, Field(ge=0, lt=1)], "a number, 0 or more and below 1"),
        (Literal["a"], "a"),
        (Literal["a", "b"], "one of a, b"),
        (tuple[int, ...], "a list, each a whole number"),
        (Annotated[tuple[str, ...], Field(min_length=2)], "a list of 2 or more, each text"),
        (tuple[float, float], "a list of 2, each a number"),
        (dict[str, str], "a mapping, each value text"),
        (dict[str, Any], "a mapping"),
        (str | tuple[str, ...], "text, or a list, each text"),
        (Space | int, "a whole number, or a search space (`{choice: [...]}` or `{log: [...]}` or "),
    ],
)
def test_type_is_described_in_words(hint: Any, words: str) -> None:
    assert describe(hint).startswith(words)


def test_spec_is_described_by_six_of_its_keys_without_those_that_are_skipped() -> None:
    assert describe(Task, skip=("name",)).startswith("a mapping with format, source, columns")
    assert describe(Task).endswith(", ...")


def test_members_of_a_union_leave_none_out_and_scalars_have_its_bounds() -> None:
    bounded = Annotated[int | Choice | None, Field(ge=1)]
    first, second = members(bounded)
    assert scalar(first, 0) is WRONG and second is Choice
    assert members(int) == [int]
    assert optional(bounded) and not optional(int)


def test_kind_is_how_a_type_is_written() -> None:
    assert (kind(Source), kind(dict[str, int]), kind(tuple[int, ...]), kind(int)) == (
        dict,
        dict,
        list,
        object,
    )


def test_hint_of_a_tasks_options_is_that_of_all_formats() -> None:
    assert hint_of(Task, "options") is AnyOptions
    assert scalar(members(hint_of(Settings, "lr"))[-1], 0) is WRONG


def test_split_unpacks_bounds_however_deep_and_keys_are_those_of_a_spec() -> None:
    base, meta = split(Annotated[Annotated[tuple[int, ...], Field(min_length=2)], "note"])
    assert base == tuple[int, ...] and least_items(meta) == 2
    assert keys_of(LogRange) == {"log"} and keys_of(int) == set()


def test_value_is_shown_as_it_was_written_and_shortened() -> None:
    assert (state(None), state(["a"])) == ("is empty", 'is ["a"]')
    assert len(shown("x" * 100)) == 60 and shown("x" * 100).endswith("...")
