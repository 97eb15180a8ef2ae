"""Data in the hub's own schemas, and the mirror's real data, through the table of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from tests.tasks.published import BROUGHT
from xstilts.data import task_data
from xstilts.sources.base_models import resolve_model
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Splits, Task
from xstilts.tasks import PUBLISHED

CUT = Splits(train="validation[:80%]", dev="validation[80%:]", test="validation[80%:]")


MIRRORED: Mapping[str, dict[str, Any]] = {
    "hellaswag": {"splits": CUT},
    "social_i_qa": {"splits": CUT.model_copy(update={"test": "test"})},
    "xnli": {"splits": CUT.model_copy(update={"test": "test"})},
    "udpos": {
        "splits": Splits(train="train", dev="validation", test="validation"),
        "lacks": ("kk", "th", "tl", "yo"),
    },
    "panx": {
        "splits": Splits(train="train", dev="validation", test="validation"),
        "has": ("en", "de", "es", "fr", "ru", "tr", "hi", "ar", "vi", "sw"),
    },
}
"""What the mirror has in place of the hub's splits and languages."""


ROWS = {
    "squad": (87_599, 10_570),
    "squad_pairs": (None, None),
    "hellaswag": (8_033, 2_009),
    "social_i_qa": (1_563, 2_224),
    "copa": (400, 100),
    "xnli": (1_992, 15 * 5_010),
    "udpos": (21_253, None),
    "panx": (20_000, None),
    "xquad": (None, 11 * 1_190),
    "xquad_r": (None, 12 * 1_190),
    "tatoeba": (None, None),
    "xcopa": (None, 11 * 500),
    "mlm": (None, None),
}
"""What the mirror holds: rows of train and of test over all languages, counted there; None: not
pinned.
"""


def mirrored(name: str) -> Task:
    """The task, with what the mirror has in place of the hub's."""
    task, change = PUBLISHED[name], MIRRORED.get(name, {})
    kept = change.get("has") or tuple(
        one for one in task.languages if one not in change.get("lacks", ())
    )
    return task.model_copy(update={"languages": kept, "splits": change.get("splits", task.splits)})


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - set(BROUGHT)))
def test_hub_schema_has_no_problem_and_gives_rows(name: str, hub: Path, tmp_path: Path) -> None:
    task, context = PUBLISHED[name], worlds.context(tmp_path, hub)
    here = (
        ("et", "zh")
        if name == "xcopa"
        else ("de",)
        if task.format in ("mining", "retrieval")
        else ("en", "de")
    )
    task = task.model_copy(
        update={"languages": tuple(one for one in here if one in task.languages)}
    )
    if task.has("train"):
        assert task_data.check(task, "train", context) == []
        assert len(task_data.rows(task, "train", None, context)) > 0
    assert task_data.check(task, "evaluate", context) == []
    assert len(task_data.rows(task, "test", task.languages[0], context)) > 0


@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_data_of_the_mirror_has_no_problem(name: str, mirror: Path, tmp_path: Path) -> None:
    context = worlds.context(tmp_path, mirror)
    task = mirrored(name)
    train, test = ROWS[name]
    if task.splits.train:
        small = worlds.limited(task, 2000) if name.startswith("squad") else task
        assert task_data.check(small, "train", context) == []
        assert train is None or task_data.sizes(task, "train", None, context) == train
    assert task_data.check(task, "evaluate", context) == []
    assert test is None or task_data.sizes(task, "test", None, context) == test


@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_rows_of_the_mirror_become_features(name: str, mirror: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    context = worlds.context(tmp_path, mirror)
    tokenizer = AutoTokenizer.from_pretrained(resolve_model("local/mini-xlmr", context))
    task = worlds.limited(mirrored(name), 50)
    hyper = Hyperparameters(max_length_tokens=96, doc_stride_tokens=32)
    for language in task.languages[:2]:
        split = task_data.encoded(task, "test", language, tokenizer, hyper, context)
        assert 0 < len(split.rows) <= 50
        if task.format != "dual_encoder":  # a row is several features
            assert len(split) == len(split.features)
            ids = split.features[0]["input_ids"]
            assert max(map(len, ids)) <= 96 if task.format == "multiple_choice" else len(ids) <= 96
    if task.splits.train:
        assert task_data.encoded(task, "train", None, tokenizer, hyper, context).n_items.sum() > 0


def test_real_label_tables_are_those_that_the_data_states(mirror: Path) -> None:
    from xstilts.data.reading import sources

    for name, role in (("udpos", "tags"), ("panx", "tags"), ("xnli", "label"), ("copa", "label")):
        task = mirrored(name)
        raw = sources.read(
            task, "validation", "en", [task.column(role)], worlds.context(mirror, mirror)
        )
        assert raw.classes[task.column(role)] == task.labels, name


def test_real_hub_splits_that_the_mirror_lacks_are_told_with_the_way_out(
    mirror: Path, tmp_path: Path
) -> None:
    (problem,) = task_data.check(PUBLISHED["hellaswag"], "train", worlds.context(tmp_path, mirror))
    assert "has no split `train`; it has `validation`" in problem
    assert 'train: "validation[:80%]"' in problem
