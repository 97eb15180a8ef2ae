"""The table of generated tasks: it agrees with the generator; every task loads and is encoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.sources.context import DataContext
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.tasks import PUBLISHED, TASKS, generator, synthetic
from xstilts.tasks.generator import examples, grammar

TARGETS = ("gen-tags", "gen-fits", "gen-who", "gen-choice", "gen-parallel")


def test_table_of_tasks_agrees_with_the_generator() -> None:
    assert {task.source.generator for task in synthetic.TASKS.values()} == set(generator.SIZES)
    assert generator.languages() == synthetic.LANGUAGES
    assert synthetic.TAGS == grammar.TAGS
    assert synthetic.CIPHERS == examples.CIPHERS


@pytest.mark.parametrize("name", [n for n in synthetic.TASKS if "test" in generator.SIZES[n]])
def test_every_task_passes_its_check_and_is_encoded(name: str, tmp_path: Path) -> None:
    task, context = synthetic.TASKS[name], DataContext(mirror=None, base=".", cache=str(tmp_path))
    assert task_data.check(task, "evaluate", context) == []
    encoded = task_data.encoded(
        task, "test", "xd", generator.tokenizer(), Hyperparameters(max_length_tokens=48), context
    )
    assert len(encoded.features)
    assert max(encoded.lengths) <= (3 * 48 if name == "gen-choice" else 48)
    assert name == "gen-parallel" or min(encoded.n_items) > 0


@pytest.mark.parametrize("name", TARGETS[:4])
def test_trained_target_passes_its_check(name: str, tmp_path: Path) -> None:
    context = DataContext(mirror=None, base=".", cache=str(tmp_path))
    assert task_data.check(synthetic.TASKS[name], "train", context) == []


@pytest.mark.parametrize("name", sorted(set(TASKS) - set(PUBLISHED)))
def test_generated_rows_are_what_the_task_says(name: str, tmp_path: Path) -> None:
    task, context = TASKS[name], worlds.context(tmp_path)
    if task.splits.train:
        assert task_data.check(task, "train", context) == []
        assert (
            task_data.sizes(task, "train", None, context)
            == len(task_data.rows(task, "train", None, context))
            > 0
        )
        assert task_data.revision(task, "train", context) == task_data.revision(
            task, "train", context
        )
    if task.splits.test:
        assert task_data.check(task, "evaluate", context) == []
