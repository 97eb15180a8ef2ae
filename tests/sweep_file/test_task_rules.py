"""Tasks and settings whose types are right and whose sense is not: each is told at its line."""

from __future__ import annotations

import json

import pytest

from tests.support.hostile import LEADING_OUT
from tests.support.sweep_texts import GOOD, only, problems
from xstilts.sweep_file import loads


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        (
            "intermediate: {steps: {choice: [10, ten]}}\n",
            8,
            'steps.choice[1] is "ten"; must be a whole number',
        ),
        (
            "intermediate: {steps: {log: [0.5, 9]}}\n",
            8,
            "steps.log[0] is 0.5; must be a whole number",
        ),
        ("intermediate: {steps: {choice: [10, 1e1]}}\n", 8, "has the same value twice"),
        ("tasks: {xquad: {languages: [de, de]}}\n", 8, "tasks.xquad.languages has de twice"),
        ("tasks: {xquad: {metric: accuracy}}\n", 8, "span_qa has exact_match, f1, qa_mean"),
        (
            "tasks: {xquad: {splits: {test: 'a[:b%]'}}}\n",
            8,
            "tasks.xquad.splits.test: split `a[:b%]`",
        ),
        (
            "tasks: {xquad: {columns: {contxt: text}}}\n",
            8,
            'has "contxt", which is no role of span_qa; nearest: context',
        ),
    ],
)
def test_task_or_setting_that_makes_no_sense_is_told_with_its_line(
    extra: str, line: int, words: str
) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("m: {like: anli_plus, parts: [mnli, mnli]}", "m.parts has mnli twice"),
        (
            "m: {like: anli_plus, parts: [mnli, qqp]}",
            '"qqp" has the labels ["not_duplicate", "duplicate"]; must have',
        ),
        (
            "m: {like: anli_plus, parts: [anli_plus]}",
            '"anli_plus" is a union itself; name its parts',
        ),
        (
            "m: {like: anli_plus, parts: [copa]}",
            '"copa" is multiple_choice; must be classification',
        ),
        (
            "m: {like: mnli, transform: {dictionary: {files: [a], languages: [de, de]}}}",
            "languages has de twice",
        ),
        ("xquad: {transform: {pseudo: {}}}", "xquad has no training rows, it is trained on squad"),
        ("tatoeba: {options: {sweep_layers: [3, 3]}}", "sweep_layers has 3 twice"),
        ("tatoeba: {options: {sweep_layers: [-5]}}", "sweep_layers has -5; each must be -1"),
        (
            "squad: {options: {sweep_layers: all}}",
            "sweep_layers is no option of span_qa; it reads max_answer_tokens",
        ),
        (
            "mine: {like: bucc, format: retrieval, metric: accuracy, options: {n_best: 3}}",
            "mine.options.n_best is no option of retrieval; it reads layer, pooling",
        ),
        (
            "mine: {like: squad_v2, format: classification, labels: [a, b], metric: accuracy}",
            "mine.options.no_answer is no option of classification; it reads positive_label",
        ),
        (
            "mnli: {options: {no_answer: true}}",
            "no_answer is no option of classification; it reads positive_label",
        ),
        ("mlm: {train_language: []}", "train_language is empty; must be a language"),
    ],
)
def test_task_that_makes_no_sense_is_told_once_and_clearly(entry: str, words: str) -> None:
    (found,) = problems(f"{GOOD}tasks:\n  {entry}\n")
    assert words in found[1]
    assert found[0] in (9, 10)


@pytest.mark.parametrize("metric", ["binary_f1", "accuracy_f1", "matthews"])
def test_metric_of_one_label_with_three_asks_which(metric: str) -> None:
    task = f"tasks: {{mine: {{like: mnli, metric: {metric}}}}}\n"
    ((line, message),) = problems(GOOD + task)
    assert line == 8
    assert message.startswith(f"tasks.mine.metric is {metric}, which is of one label")
    assert "the task has 3 (entailment, neutral, contradiction): take accuracy" in message


def test_metric_of_one_label_that_is_named_is_good() -> None:
    named = "metric: binary_f1, options: {positive_label: entailment}"
    loads(f"{GOOD}tasks: {{mine: {{like: mnli, {named}}}}}\n")
    loads(f"{GOOD}tasks: {{mine: {{like: qqp, metric: binary_f1}}}}\n")


def test_labels_that_are_numbers_are_told_once_each() -> None:
    own = "{format: classification, labels: [0, 1], metric: accuracy, source: {files: [a.csv]}}"
    found = [message for _, message in problems(f"{GOOD}tasks: {{own: {own}}}\n")]
    assert [one for one in found if "labels" in one] == [
        'tasks.own.labels[0] is 0; must be text; write "0" in quotes',
        'tasks.own.labels[1] is 1; must be text; write "1" in quotes',
    ]


@pytest.mark.parametrize("name", LEADING_OUT[1:])
@pytest.mark.parametrize("key", ["hub", "revision"])
def test_id_or_revision_that_no_hub_has_is_told_at_its_line(key: str, name: str) -> None:
    source = json.dumps({"hub": "o/d", "revision": "main", key: name})
    told = problems(GOOD + f"tasks:\n  squad: {{source: {source}}}\n")
    assert any(
        line == 9 and message.startswith(f"tasks.squad.source.{key} is ") for line, message in told
    ), told


def test_revision_of_a_model_that_no_hub_has_is_told_at_its_line() -> None:
    line, message = only(GOOD.replace("[local/mini-xlmr]", "[{id: a/b, revision: ../../x}]"))
    assert (line, message) == (
        2,
        'models[0].revision is "../../x"; must be a branch, tag or commit',
    )
