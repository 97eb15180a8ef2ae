"""The table of built-in tasks: what each must state, and that docs/tasks.md says the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import worlds
from tests.tasks.published import BROUGHT, TARGETS
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.task import Task
from xstilts.sweep_file import loads
from xstilts.tasks import GROUPS, PUBLISHED, TASKS

INTERMEDIATES = (
    "anli_plus",
    "mnli",
    "snli",
    "anli_r1",
    "anli_r2",
    "anli_r3",
    "qqp",
    "squad",
    "squad_v2",
    "hellaswag",
    "ccg",
    "cosmos_qa",
    "commonsense_qa",
    "social_i_qa",
    "cola",
    "sst2",
    "stsb",
    "rte",
    "mrpc",
    "wic",
    "paws",
    "swag",
    "race",
    "conll2000",
    "deprel",
    "udpos",
    "panx",
)


# -- the table


def test_table_imports_nothing_heavy() -> None:
    heavy = "('torch', 'datasets', 'transformers', 'pyarrow', 'huggingface_hub', 'numpy')"
    program = f"import sys, xstilts.tasks; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert ran.stdout.strip() == "[]"


def test_table_is_read_only_and_named_by_its_tasks() -> None:
    with pytest.raises(TypeError):
        TASKS["mine"] = TASKS["squad"]  # type: ignore[index]
    assert all(task.name == name for name, task in TASKS.items())
    assert set(PUBLISHED) <= set(TASKS)


def test_table_has_the_intermediates_and_targets_of_the_papers() -> None:
    assert {*INTERMEDIATES, *TARGETS, "copa", "squad_pairs", "mlm"} == set(PUBLISHED)
    assert all(
        PUBLISHED[name].has("train") and PUBLISHED[name].has("dev") for name in INTERMEDIATES
    )
    assert all(PUBLISHED[name].has("test") for name in TARGETS)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_task_states_what_its_format_needs(name: str) -> None:
    task = TASKS[name]
    assert task.metric in METRICS
    assert task.metric in task.spec.metrics
    assert task.licence or name not in PUBLISHED
    assert set(task.columns) <= set(task.spec.roles)
    assert task.labels or task.format not in ("classification", "tagging") or name == "ccg"
    assert len(set(task.labels)) == len(task.labels)
    assert set(task.language_names) <= {*task.languages, *task.train_languages}
    assert task.train_task is None or (
        TASKS[task.train_task].trainable and TASKS[task.train_task].has("train")
    )
    assert task.has("train") == (task.train_task is None and task.trainable)
    assert (task.obtain is not None) == (name in BROUGHT and name != "mlm")
    if isinstance(task.options, ClassificationOptions):
        assert task.options.positive_label in (None, *task.labels)


# -- languages


def test_languages_are_as_many_as_in_the_benchmark() -> None:
    assert {name: len(set(PUBLISHED[name].languages)) for name in TARGETS} == TARGETS


def test_training_rows_of_targets_are_english() -> None:
    trained = {PUBLISHED[name].train_task or name for name in TARGETS if PUBLISHED[name].trainable}
    assert {PUBLISHED[name].train_languages for name in trained} == {("en",)}


# -- the document


def documented() -> dict[str, list[str]]:
    """Task to the cells of its line in docs/tasks.md."""
    lines = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| `")
    ]
    return {line[0].strip("`"): line for line in cells if len(line) == 8}


def source_in_words(task: Task) -> str:
    """The source as docs/tasks.md writes it."""
    source = task.source
    if source.union:
        return ", ".join(part.name for part in task.parts)
    if source.hub:
        return f"{source.hub} `{source.config}`" if source.config else source.hub
    return f"files `{', '.join(source.files or ())}`"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_document_says_what_the_table_says(name: str) -> None:
    task, cells = PUBLISHED[name], documented()[name]
    assert cells[1] == task.format
    assert cells[2] == source_in_words(task)
    assert cells[3] == str(len(task.languages))
    assert cells[5] == task.metric
    assert cells[6] == ", ".join(task.groups)
    assert cells[7] == task.licence


def test_document_has_no_task_that_is_none_and_explains_every_group() -> None:
    text = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert set(documented()) == set(PUBLISHED)
    assert all(f"| {word} | {meaning} |" in text for word, meaning in GROUPS.items())


def test_document_shows_sweeps_that_load() -> None:
    text = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    shown = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    assert shown
    for tasks in shown:
        head = (
            "name: x\nmodels: [a/b]\nintermediates: [none]\ntargets: [udpos, bucc, tatoeba, xnli]\n"
        )
        assert {task.name for task in loads(head + tasks).tasks} >= {"udpos", "bucc"}
