"""Entries under `tasks:`: built-in tasks changed, tasks like another, the user's own tasks."""

from __future__ import annotations

import textwrap

import pytest

from tests.support.sweep_texts import GOOD, problems
from xstilts.sweep_file import loads


def test_loads_builtin_task_is_changed_in_part() -> None:
    before = loads(GOOD).task("xquad")
    after = loads(GOOD + "tasks: {xquad: {languages: [de], limits: {test: 10}}}\n").task("xquad")
    assert after.languages == ("de",)
    assert after.limits.test == 10
    assert after.splits == before.splits
    assert after.source == before.source


def test_loads_source_of_another_origin_replaces_the_old_one() -> None:
    task = loads(GOOD + "tasks: {squad: {source: {files: ['mine/{split}.jsonl']}}}\n").task("squad")
    assert task.source.files == ("mine/{split}.jsonl",)
    assert task.source.hub is None
    assert task.source.config is None


def test_loads_source_of_the_same_origin_is_changed_in_part() -> None:
    task = loads(GOOD + "tasks: {squad: {source: {revision: abc}}}\n").task("squad")
    assert (task.source.hub, task.source.revision) == ("rajpurkar/squad", "abc")


def test_loads_columns_by_number() -> None:
    tags = loads(
        GOOD.replace("xquad, tatoeba", "panx") + "tasks: {panx: {columns: {tokens: 0, tags: 3}}}\n"
    )
    assert tags.task("panx").columns == {"tokens": "0", "tags": "3"}


def test_loads_task_of_the_users_own() -> None:
    sweep = loads(
        textwrap.dedent("""\
        name: own
        models: [a]
        intermediates: [none]
        targets: [mood]
        tasks:
          mood:
            format: classification
            source: {files: ["mood.{language}.{split}.jsonl"]}
            languages: [en, de]
            splits: {train: train, dev: "train[80%:]", test: test}
            labels: ["good", "bad"]
            metric: accuracy
        """)
    )
    assert sweep.task("mood").labels == ("good", "bad")


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("tasks: {xquad: {name: other}}\n", 8, "its key is its name"),
        (
            "tasks: {squd: {languages: [de]}}\n",
            8,
            '"squd" is no built-in task; must bring format, source and metric',
        ),
        ("tasks: {none: {}}\n", 8, "the name of the baseline"),
        (f"tasks: {{{'a' * 65}: {{}}}}\n", 8, "must be a name of at most 64 letters"),
        ("tasks: [xquad]\n", 8, "tasks must be a mapping"),
    ],
)
def test_entry_that_is_wrong_is_told_with_its_line(extra: str, line: int, words: str) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("m: {like: [mnli]}", 'm.like is ["mnli"]; must be the name of a task'),
        ("m: {like: }", "m.like is empty; must be the name of a task"),
        ("m: {like: m}", "m.like is the task itself"),
        ("mnli: {like: mnli}", "mnli.like is the task itself; leave `like` out"),
        ("m: {like: mnlii}", '"mnlii", which is no built-in task and none above it; nearest: mnli'),
        ("m: {like: k}\n  k: {like: mnli}", "it stands below, move it up"),
        (
            "m: {like: mnli, parts: [{name: mnli}]}",
            'm.parts is {"name": "mnli"}; must be the name of a task',
        ),
        ("m: {like: anli_plus, splits: {train: 'train[:9]'}}", "m.splits has no effect on a union"),
        (
            "m: {like: anli_plus, source: {row_filter: {a: b}}}",
            "m.source.row_filter has no effect on a union",
        ),
    ],
)
def test_name_of_another_task_that_is_wrong_is_told_once_and_clearly(
    entry: str, words: str
) -> None:
    (found,) = problems(f"{GOOD}tasks:\n  {entry}\n")
    assert words in found[1]
    assert found[0] in (9, 10)
