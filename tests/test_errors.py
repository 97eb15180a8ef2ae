"""Errors: where a problem is, all problems of a sweep at once, names that are like a wrong one."""

from __future__ import annotations

import pytest

from xstilts.errors import InputError, Problem, SweepError, first_line, nearest


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(message="is wrong"), "is wrong"),
        (Problem(message="is wrong", file="a.yaml"), "a.yaml: is wrong"),
        (Problem(message="is wrong", file="a.yaml", line=3), "a.yaml:3: is wrong"),
    ],
)
def test_problem_is_written_with_its_place(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_sweep_error_tells_every_problem_on_a_line_of_its_own() -> None:
    problems = [Problem(message="one", file="a.yaml", line=1), Problem(message="two")]
    error = SweepError(problems)
    assert isinstance(error, InputError)
    assert error.problems == tuple(problems)
    assert str(error) == "a.yaml:1: one\ntwo"


MANY = tuple(f"task_{number:02d}" for number in range(20))


@pytest.mark.parametrize(
    ("name", "valid", "text"),
    [
        ("sqaud", ("squad", "xquad", "xnli"), "; nearest: squad, xquad"),
        ("panx_de", ("panx", "udpos"), "; nearest: panx"),
        ("squad", ("squad_v2", "squad_pairs"), "; nearest: squad_pairs, squad_v2"),
        # Nothing is like it: all, where they are few; nothing, where they are many or none.
        ("zzz", ("b", "a", "a"), "; there are: a, b"),
        ("zzz", MANY, ""),
        ("zzz", (), ""),
    ],
)
def test_nearest_names_are_at_most_three_or_all_where_few(
    name: str, valid: tuple[str, ...], text: str
) -> None:
    assert nearest(name, valid) == text


def test_nearest_of_many_alike_names_is_three() -> None:
    assert nearest("task_0", MANY) == "; nearest: task_00, task_01, task_02"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (ValueError("first\nsecond"), "first"),
        (ValueError("\n  x" + "y" * 200), "x" + "y" * 159),
        (KeyError(), "KeyError"),
        ("first\nsecond", "first"),
        ("", ""),
    ],
)
def test_first_line_is_cut_and_an_error_without_a_text_gives_its_class(
    said: Exception | str, line: str
) -> None:
    assert first_line(said, 160) == line


def test_first_line_is_whole_where_no_length_is_given() -> None:
    assert first_line(ValueError("y" * 200)) == "y" * 200
