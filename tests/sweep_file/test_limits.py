"""Sweeps that nobody can mean: huge, deep, endless. One clear error each, in no time.

The bound on the time is generous, for busy machines; docs/sweeps.md has what was measured.
"""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given, strategies as st
from ruamel.yaml import YAML

from tests.conftest import ROOT
from xstilts.errors import InputError, SweepError
from xstilts.planning import make_plan
from xstilts.sweep_file import loads
from xstilts.sweep_file.yaml_document import MOST_PROBLEMS, MOST_VALUES

SECONDS = 5.0
HEAD = "name: x\nmodels: [a]\nintermediates: [none, squad]\ntargets: [xquad]\n"
SEARCHED = HEAD + "target: {lr: {log: [1e-5, 1e-4]}}\n"
WIDE = ", ".join(map(str, range(8, 1008)))


def _listed(items: list[str]) -> str:
    return HEAD.replace("[none, squad]", f"[{', '.join(items)}]")


REFUSED = {
    "10,000 brackets": (HEAD + f"a: {'[' * 10_000}{']' * 10_000}", "more than 30 deep"),
    "100,000 open brackets": (HEAD + "a: " + "[" * 100_000, "more than 30 deep"),
    "10,000 open mappings": (HEAD + "a: " + "{a: " * 10_000, "more than 30 deep"),
    "5,000 dashes": (HEAD + "a:\n  " + "- " * 5_000, "more than 30 deep"),
    "deep keys": (HEAD + "? " * 2_000, "more than 30 deep"),
    "10,000 aliases": (HEAD + "a: &x [1]\n" + "b: *x\n" * 10_000, "anchors and aliases"),
    "a billion laughs": (
        "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)),
        "anchors and aliases",
    ),
    "a whole number of 5,000 digits": (
        HEAD + f"seeds: [{'9' * 5_000}]",
        "must be a whole number (whole numbers have at most 18 digits)",
    ),
    "a whole number of 19 digits": (HEAD + f"seeds: [{'9' * 19}]", "have at most 18 digits"),
    "a hexadecimal number of 90 digits": (HEAD + f"seeds: [0x{'f' * 90}]", "at most 18 digits"),
    "a number beyond all": (HEAD + "target: {lr: 1e400}", 'target.lr is "1e400"; must be a number'),
    "100,000 intermediates": (
        _listed([f"t{i}" for i in range(100_000)]),
        f"more than {MOST_VALUES:,} keys and values",
    ),
    "200,000 seeds": (
        HEAD + f"seeds: [{', '.join(map(str, range(200_000)))}]",
        f"more than {MOST_VALUES:,} keys and values",
    ),
    "9,000 unknown intermediates": (
        _listed([f"t{i}" for i in range(9_000)]),
        f"these are the first {MOST_PROBLEMS} problems",
    ),
    "4,000 unknown keys": (
        HEAD + "".join(f"key{i}: 1\n" for i in range(4_000)),
        f"these are the first {MOST_PROBLEMS} problems",
    ),
    "a name of a megabyte": (HEAD.replace("xquad", "x" * 1_000_000), "... "),
    "a billion trials": (SEARCHED + "search: {trials: 1000000000}", "must be at most 1,000,000"),
    "a billion joint trials": (
        SEARCHED + "search: {trials: 1000000000, order: joint, selection: oracle}",
        "must be at most 1,000,000",
    ),
    "a grid of a billion points": (
        HEAD
        + f"target: {{steps: {{choice: [{WIDE}]}}, batch_size: {{choice: [{WIDE}]}}, "
        + f"max_length_tokens: {{choice: [{WIDE}]}}}}\nsearch: {{sampler: grid}}",
        "1,000,000,000 trials of a target); must be at most 1,000,000",
    ),
    "9,000 seeds for many pairs": (
        HEAD.replace("[a]", f"[{', '.join(f'm{i}' for i in range(60))}]")
        + f"seeds: [{', '.join(map(str, range(9_000)))}]",
        "must be at most 1,000,000",
    ),
    "a billion rungs": (
        SEARCHED + "search: {order: joint, ladder: 1000000000}",
        "search.ladder is 1000000000; must be a whole number, 1 or more and at most 100",
    ),
    "a range for a grid": (
        HEAD + "target: {steps: {int: [1, 100000000000000000]}}\nsearch: {sampler: grid}",
        "target.steps is a range",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_sweep_beyond_all_measure_is_one_clear_error_at_once(what: str) -> None:
    text, said = REFUSED[what]
    began = time.perf_counter()
    with pytest.raises(InputError) as caught:
        make_plan(loads(text, file="s.yaml"))
    assert time.perf_counter() - began < SECONDS
    assert said in f"{caught.value} "
    problems = getattr(caught.value, "problems", ("",))
    assert len(problems) in (1, MOST_PROBLEMS + 1)
    assert all(len(str(one)) < 1_100 for one in problems)


def test_range_of_all_whole_numbers_is_planned_at_once() -> None:
    text = HEAD + "target: {steps: {int: [1, 100000000000000000]}}\nsearch: {trials: 10}"
    assert len(make_plan(loads(text)).slots) == 23


def test_sweep_of_the_longest_list_is_read() -> None:
    many = ", ".join(map(str, range(MOST_VALUES - 40)))
    assert len(loads(HEAD + f"seeds: [{many}]").seeds) == MOST_VALUES - 40


# -- no value anywhere ends in anything but a sweep or problems

_WORDS = ("zzz", "../../x", "none", "$\\frac$", "\u202e", "squad", "")
VALUES = st.sampled_from(
    [*_WORDS, None, 5, -1, 0.5, True, [], {}, ["zzz"], {"zzz": 1}, [[1]], {"mixture": ["zzz", "x"]}]
)
SWEEPS = {
    path.name: YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    for path in sorted((ROOT / "sweeps").glob("*.yaml"))
}


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    pairs = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else pairs:
        found += _places(item, (*path, key))
    return found


@given(st.data())
def test_shipped_sweep_with_anything_anywhere_is_a_sweep_or_problems(data: st.DataObject) -> None:
    whole = copy.deepcopy(SWEEPS[data.draw(st.sampled_from(sorted(SWEEPS)))])
    for place in data.draw(st.lists(st.sampled_from(_places(whole)), min_size=1, max_size=2)):
        at: Any = whole
        try:
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = data.draw(VALUES)
        except (KeyError, IndexError, TypeError):  # the first change took it away
            continue
    try:
        loads(json.dumps(whole))
    except SweepError as error:
        assert error.problems


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("role", ["intermediates", "targets"])
def test_typing_error_in_any_name_of_a_task_is_told_with_the_nearest(name: str, role: str) -> None:
    for i, one in enumerate(SWEEPS[name][role]):
        if isinstance(one, str) and one != "none":
            wrong = copy.deepcopy(SWEEPS[name])
            wrong[role][i] = f"{one}x"
            wrong.setdefault("resources", {"slots": 2})
            with pytest.raises(SweepError) as caught:
                loads(json.dumps(wrong))
            said = str(caught.value)
            assert f'{role}[{i}] is "{one}x", which is no task; nearest: ' in said
            assert one in said.partition("nearest: ")[2]
