"""Values of a wrong type: each is told once, at its line, with what it must be."""

from __future__ import annotations

import pytest

from tests.support.sweep_texts import GOOD, only, problems
from xstilts.spec.hyperparameters import Choice, LogRange
from xstilts.sweep_file import loads


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("modls: []\n", 8, 'no key "modls"; nearest: models'),
        ("intermediate: {lrr: 1}\n", 8, 'intermediate has no key "lrr"; nearest: lr'),
        (
            'intermediate: {lr: "2e-5x"}\n',
            8,
            'intermediate.lr is "2e-5x"; must be a number above 0',
        ),
        ('intermediate: {lr: "2e-5"}\n', 8, 'intermediate.lr is "2e-5"; must be a number above 0'),
        ("intermediate:\n  lr: 2e-5x\n", 9, 'intermediate.lr is "2e-5x"'),
        ("intermediate: {lr: .inf}\n", 8, 'intermediate.lr is ".inf"'),
        ("intermediate: {lr: 1e999}\n", 8, 'intermediate.lr is "1e999"'),
        ("intermediate: {lr: true}\n", 8, "intermediate.lr is true; must be a number"),
        (
            "intermediate: {steps: 2.5}\n",
            8,
            "intermediate.steps is 2.5; must be a whole number, 1 or more",
        ),
        ("intermediate: {lr: {log: [5, 2]}}\n", 8, "log needs two numbers, 0 < low < high"),
        ("intermediate: {schedule: cosin}\n", 8, "must be one of linear, cosine, constant, wsd"),
        ("seeds: []\n", 8, "seeds is empty; must be a list of 1 or more, each a whole number"),
        ("version: 0\n", 8, "version is 0; must be a whole number, 1 or more"),
        ("budget:\n", 8, "budget is empty; must be a mapping"),
        ("tasks: {xquad: {languages: []}}\n", 8, "tasks.xquad.languages is empty"),
        (
            "tasks: {xquad: {source: {files: [a], hub: b}}}\n",
            8,
            "exactly one of hub, files, generator",
        ),
        (
            "description: true\n",
            8,
            'description is true; must be text; write "true" in quotes',
        ),
        ("description: 3\n", 8, 'description is 3; must be text; write "3" in quotes'),
    ],
)
def test_value_of_a_wrong_type_is_told_with_its_line(extra: str, line: int, words: str) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("m: {like: mnli, row_filter: {a: b}}", 'no key "row_filter"; it stands under source'),
        (
            "m: {like: mnli, source: {row_filter: [a]}}",
            'row_filter is ["a"]; must be a mapping, each value text',
        ),
        (
            "m: {like: mnli, transform: {translte: {}}}",
            'transform has no key "translte"; nearest: translate',
        ),
        (
            "m: {like: mnli, transform: {translate: {languages: [de]}}}",
            "transform.translate.model is missing; must be",
        ),
        (
            "m: {like: mnli, transform: {share: 0.5}}",
            "exactly one of translate, lookup, dictionary, pseudo",
        ),
        (
            "tatoeba: {options: {sweep_layers: 7}}",
            "sweep_layers is 7; must be all, or a list, each a whole number",
        ),
        (
            "mlm: {language_exponent: 2}",
            "language_exponent is 2; must be a number above 0 and at most 1",
        ),
        ("mnli: {limits: {train: 0}}", "limits.train is 0; must be a whole number, 1 or more"),
        ("m: mnli", 'm is "mnli"; must be a mapping with format, source, columns'),
    ],
)
def test_field_of_a_task_of_a_wrong_type_is_told_once_and_clearly(entry: str, words: str) -> None:
    (found,) = problems(f"{GOOD}tasks:\n  {entry}\n")
    assert words in found[1]
    assert found[0] in (9, 10)


def test_loads_numbers_take_their_declared_type() -> None:
    sweep = loads(
        GOOD + "intermediate: {lr: 1, steps: {choice: [1e2, 200]}, weight_decay: {log: [1, 2]}}\n"
    )
    assert sweep.intermediate.lr == 1.0
    assert type(sweep.intermediate.lr) is float
    assert sweep.intermediate.steps == Choice(choice=(100, 200))
    assert all(type(value) is int for value in sweep.intermediate.steps.choice)
    assert sweep.intermediate.weight_decay == LogRange(log=(1.0, 2.0))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (
            "intermediate: {lr: {log: [1e-5, 1e-4], choice: [1]}}\n",
            "lr has log and choice together; must be a number",
        ),
        ("resources: {gpus: 1}\n", "nearest: gpus_per_worker, gpu"),
        (
            "resources: {gpu: K80}\n",
            'gpu is "K80"; must be a GPU that the estimate knows; there are: A100-40GB',
        ),
        ("resources: {slots: 0}\n", "slots is 0; must be a whole number, 1 or more"),
        ("lr: 1\n", 'no key "lr"; it stands under intermediate or target'),
    ],
)
def test_loads_mistake_elsewhere_is_said_once_and_clearly(extra: str, words: str) -> None:
    assert words in only(GOOD + extra)[1]
