"""The built-in tasks: what each must state, and that the mirror's real data loads through it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import worlds
from xstilts import data
from xstilts.columns import ROLES
from xstilts.metrics import METRICS
from xstilts.sweep import Hyperparameters
from xstilts.task import Splits, Task
from xstilts.tasks import TASKS, intermediate, xtreme

PUBLISHED: Mapping[str, Task] = {**intermediate.TASKS, **xtreme.TASKS}
CUT = Splits(train="validation[:80%]", dev="validation[80%:]", test="validation[80%:]")
MIRRORED: Mapping[str, dict[str, Any]] = {
    "hellaswag": {"splits": CUT},
    "social_i_qa": {"splits": CUT.model_copy(update={"test": "test"})},
    "xnli": {"splits": CUT.model_copy(update={"test": "test"})},
    "udpos": {"splits": Splits(train="train", dev="validation", test="validation"), "lacks": ("kk", "th", "tl", "yo")},
    "panx": {
        "splits": Splits(train="train", dev="validation", test="validation"),
        "has": ("en", "de", "es", "fr", "ru", "tr", "hi", "ar", "vi", "sw"),
    },
}
"""What the mirror has in place of the hub's splits and languages."""
ROWS = {
    "squad": (87_599, 10_570), "hellaswag": (8_033, 2_009), "social_i_qa": (1_563, 2_224), "copa": (400, 100),
    "xnli": (1_992, 15 * 5_010), "udpos": (21_253, None), "panx": (20_000, None), "xquad": (None, 11 * 1_190),
    "tatoeba": (None, None), "xcopa": (None, 11 * 500), "mlm": (None, None),
}  # fmt: skip
"""Rows of train and of test over all languages, counted in the mirror; None: not pinned."""


def mirrored(name: str) -> Task:
    """The task, with what the mirror has in place of the hub's."""
    task, change = PUBLISHED[name], MIRRORED.get(name, {})
    kept = change.get("has") or tuple(one for one in task.languages if one not in change.get("lacks", ()))
    return task.model_copy(update={"languages": kept, "splits": change.get("splits", task.splits)})


def test_table_imports_nothing_heavy() -> None:
    heavy = "('torch', 'datasets', 'transformers', 'pyarrow', 'huggingface_hub', 'numpy')"
    program = f"import sys, xstilts.tasks; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=worlds.environment()
    )
    assert ran.stdout.strip() == "[]"


def test_table_is_read_only_and_named_by_its_tasks() -> None:
    with pytest.raises(TypeError):
        TASKS["mine"] = TASKS["squad"]  # type: ignore[index]
    assert all(task.name == name for name, task in TASKS.items())
    assert set(PUBLISHED) <= set(TASKS)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_task_states_what_its_format_needs(name: str) -> None:
    from xstilts import formats

    task = TASKS[name]
    assert task.metric in METRICS
    assert task.metric in formats.get(task.format).METRICS
    assert task.groups
    assert task.licence or name not in PUBLISHED
    assert set(task.columns) <= set(ROLES[task.format])
    assert task.labels or task.format not in ("classification", "tagging")
    assert set(task.language_names) <= {*task.languages, *task.train_languages}
    assert task.train_task is None or TASKS[task.train_task].trainable
    assert (task.splits.train is None) == (task.train_task is not None or not task.trainable)


@pytest.mark.parametrize("name", sorted(ROLES))
def test_roles_cover_what_the_format_reads(name: str) -> None:
    from xstilts import formats

    module = formats.get(name)
    assert {*module.ROLES, *getattr(module, "OPTIONAL_ROLES", ())} <= set(ROLES[name])


def test_languages_are_as_many_as_in_the_benchmark() -> None:
    counts = {"xnli": 15, "udpos": 33, "panx": 40, "xquad": 11, "tatoeba": 36, "xcopa": 11}
    assert {name: len(set(PUBLISHED[name].languages)) for name in counts} == counts


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_real_data_of_the_mirror_has_no_problem(name: str, mirror: Path, tmp_path: Path) -> None:
    where = worlds.context(tmp_path, mirror)
    task = mirrored(name)
    train, test = ROWS[name]
    if task.splits.train:
        small = worlds.limited(task, 2000) if name == "squad" else task
        assert data.check(small, "train", where) == []
        assert train is None or data.sizes(task, "train", None, where) == train
    assert data.check(task, "evaluate", where) == []
    assert test is None or data.sizes(task, "test", None, where) == test


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_real_rows_of_the_mirror_become_features(name: str, mirror: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    where = worlds.context(tmp_path, mirror)
    tokenizer = AutoTokenizer.from_pretrained(data.resolve_model("local/mini-xlmr", where))
    task = worlds.limited(mirrored(name), 50)
    hyper = Hyperparameters(max_length_tokens=96, doc_stride_tokens=32)
    for language in task.languages[:2]:
        split = data.encoded(task, "test", language, tokenizer, hyper, where)
        assert 0 < len(split.rows) <= 50
        assert len(split) == len(split.features)
        ids = split.features[0]["input_ids"]
        assert max(map(len, ids)) <= 96 if task.format == "multiple_choice" else len(ids) <= 96
    if task.splits.train:
        assert data.encoded(task, "train", None, tokenizer, hyper, where).n_items.sum() > 0


@pytest.mark.parametrize("name", sorted(set(TASKS) - set(PUBLISHED)))
def test_generated_rows_are_what_the_task_says(name: str, tmp_path: Path) -> None:
    task, where = TASKS[name], worlds.context(tmp_path)
    if task.splits.train:
        assert data.check(task, "train", where) == []
        assert data.sizes(task, "train", None, where) == len(data.rows(task, "train", None, where)) > 0
        assert data.revision(task, "train", where) == data.revision(task, "train", where)
    if task.splits.test:
        assert data.check(task, "evaluate", where) == []


def test_real_label_tables_are_those_that_the_data_states(mirror: Path) -> None:
    from xstilts import sources

    for name, role in (("udpos", "tags"), ("panx", "tags"), ("xnli", "label"), ("copa", "label")):
        task = mirrored(name)
        raw = sources.read(task, "validation", "en", [task.column(role)], worlds.context(mirror, mirror))
        assert raw.classes[task.column(role)] == task.labels, name


def test_real_hub_splits_that_the_mirror_lacks_are_told_with_the_way_out(mirror: Path, tmp_path: Path) -> None:
    (problem,) = data.check(PUBLISHED["hellaswag"], "train", worlds.context(tmp_path, mirror))
    assert "has no split `train`; it has `validation`" in problem
    assert 'train: "validation[:80%]"' in problem
