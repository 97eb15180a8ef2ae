"""Names of a sweep that no file was read for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.hostile import NAMES
from xstilts.errors import SweepError
from xstilts.spec.sweep import Chain, Mixture, Model, Sweep
from xstilts.sweep_file import loads, name_rules

TEXT = """\
name: good
models: [local/mini-xlmr]
intermediates: [none, squad, {mixture: [squad, hellaswag]}, {chain: [hellaswag, squad]}]
targets: [xquad, tatoeba]
"""


def sweep(**update: Any) -> Sweep:
    """A sweep in which all is well, changed as `model_copy` lets one."""
    return loads(TEXT).model_copy(update=update)


def test_names_of_a_sweep_from_a_file_are_right() -> None:
    assert list(name_rules.problems(sweep())) == []
    name_rules.sweep(sweep())


@pytest.mark.parametrize("name", NAMES)
def test_name_that_is_none_is_told_with_its_place(name: str) -> None:
    for place, hostile in {
        "name": sweep(name=name),
        "targets": sweep(targets=(name,)),
        "models": sweep(models=(Model(id="m").model_copy(update={"name": name or "/"}),)),
        "tasks": sweep(tasks=(*sweep().tasks, sweep().tasks[0].model_copy(update={"name": name}))),
    }.items():
        (first, *_) = name_rules.problems(hostile)
        assert first.startswith(f"{place} has ")
        assert "which can't be a name; must be at most 64 letters, digits and . _ + -" in first
        assert first.isprintable() and len(first) < 300


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SweepError) as caught:
        name_rules.sweep(sweep(name="..", targets=("xquadd", "x/y")))
    assert [str(one) for one in caught.value.problems] == [
        'sweep ..: name has "..", which can\'t be a name; must be at most 64 letters, digits and . '
        "_ + -, a letter or digit first",
        'sweep ..: targets has "x/y", which can\'t be a name; must be at most 64 letters, digits '
        "and . _ + -, a letter or digit first",
        'sweep ..: "xquadd" is no task in `tasks`; nearest: xquad, squad',
        'sweep ..: "x/y" is no task in `tasks`; there are: hellaswag, squad, tatoeba, xquad',
    ]


@pytest.mark.parametrize(
    "intermediate",
    ["gone", Mixture(mixture=("squad", "gone")), Chain(chain=("squad", "gone"))],
)
def test_task_that_is_not_there_is_told_wherever_it_is_named(intermediate: Any) -> None:
    (told,) = name_rules.problems(sweep(intermediates=("none", intermediate)))
    assert told.startswith('"gone" is no task in `tasks`')


def test_train_task_that_is_not_there_is_told() -> None:
    task = sweep().task("xquad").model_copy(update={"train_task": "sqad"})
    (told,) = name_rules.problems(sweep(tasks=(task, *sweep().tasks)))
    assert told == '"sqad" is no task in `tasks`; nearest: squad, xquad'


@pytest.mark.parametrize("word", ["../../x", "a/b", "..", "", "a\0"])
def test_language_that_can_be_no_file_is_told(word: str) -> None:
    task = sweep().task("xquad").model_copy(update={"languages": ("en", word)})
    tasks = (task, *(one for one in sweep().tasks if one.name != "xquad"))
    (told,) = name_rules.problems(sweep(tasks=tasks))
    assert told.startswith('task "xquad": the language "')
