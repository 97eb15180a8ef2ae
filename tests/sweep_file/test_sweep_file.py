"""Sweep files: what is read, and that every mistake is told at once, with its line and the nearest
valid name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sweep_texts import GOOD, only, problems
from xstilts.errors import SweepError
from xstilts.spec.sweep import Mixture, Model, Sweep
from xstilts.sweep_file import MIRROR_VARIABLE, load, loads

# -- what is read


def test_loads_good_file_resolves_every_task_it_uses() -> None:
    sweep = loads(GOOD)
    assert [task.name for task in sweep.tasks] == ["squad", "xquad", "tatoeba"]
    assert sweep.task("xquad").train_task == "squad"
    assert sweep.models == (Model(id="local/mini-xlmr"),)
    assert sweep.target.given() == {"lr": 2e-5, "steps": 100}


def test_loads_train_task_is_resolved_where_nothing_else_names_it() -> None:
    sweep = loads("name: x\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\n")
    assert {task.name for task in sweep.tasks} == {"squad", "xquad"}


def test_loads_mixture_has_a_label_and_its_members_are_resolved() -> None:
    sweep = loads(
        "name: x\nmodels: [a]\ntargets: [tatoeba]\n"
        "intermediates: [none, {mixture: [squad, hellaswag], rates: [1, 2]}]\n"
    )
    mixture = sweep.intermediates[1]
    assert isinstance(mixture, Mixture)
    assert mixture.label == "squad+hellaswag"
    assert mixture.rates == (1.0, 2.0)
    assert {task.name for task in sweep.tasks} == {"squad", "hellaswag", "tatoeba"}


@pytest.mark.parametrize("name", ["store", "tracking", "mirror"])
def test_loads_argument_goes_before_the_file(name: str, tmp_path: Path) -> None:
    sweep = loads(GOOD + f"{name}: from-file\n", **{name: str(tmp_path)})
    assert getattr(sweep, name) == str(tmp_path)


def test_loads_mirror_environment_goes_between_argument_and_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "/from/environment")
    assert loads(GOOD + "mirror: /from/file\n").mirror == "/from/environment"
    assert loads(GOOD, mirror="/from/argument").mirror == "/from/argument"


def test_loads_override_is_a_dotted_key() -> None:
    sweep = loads(GOOD, overrides={"target.steps": 5, "resources.slots": 2})
    assert (sweep.target.steps, sweep.target.lr, sweep.resources.slots) == (5, 2e-5, 2)


def test_load_is_equal_to_what_its_json_says(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(GOOD, encoding="utf-8")
    sweep = load(file)
    assert Sweep.model_validate_json(sweep.model_dump_json()) == sweep


# -- what is wrong


def test_load_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=r"nowhere\.yaml: there is no such sweep file"):
        load(tmp_path / "nowhere.yaml")


def test_load_folder_is_told_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="is a folder; must be a sweep file"):
        load(tmp_path)


def test_load_not_utf8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"name: \xff\n")
    with pytest.raises(SweepError, match="not UTF-8"):
        load(file)


@pytest.mark.parametrize("text", ["", "# nothing\n", "[1, 2]\n", "just text\n"])
def test_loads_no_mapping_says_what_a_sweep_is(text: str) -> None:
    assert "must be a mapping with name, version" in only(text)[1]


def test_loads_many_mistakes_are_all_told_in_the_order_of_lines() -> None:
    found = problems(
        """\
        name: many
        modls: [a]
        intermediates: [none, squadd]
        targets: [xquad, tatoeba]
        target: {lr: "2e-5x", steps: 0}
        target: {}
        tasks:
          xquad: {languages: [], metric: accuracy}
        search: {trials: lots}
        """
    )
    lines = [line for line, _ in found]
    assert lines == sorted(line for line in lines if line is not None)
    assert [line for line in lines if line != 1] == [2, 3, 5, 5, 6, 8, 8, 9]
    assert "models is missing" in found[0][1]


def test_loads_bad_argument_is_not_blamed_on_a_line() -> None:
    with pytest.raises(SweepError, match=r"^argument: target\.lr is -1; must be a number above 0"):
        loads(GOOD, overrides={"target.lr": -1})


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("name: again\n", 8, '"name" stands twice (first in line 1)'),
    ],
)
def test_key_that_stands_twice_is_told_with_its_line(extra: str, line: int, words: str) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found
