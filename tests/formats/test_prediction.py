"""Predicting in one forward pass: batches, order, what is kept; and from predictions to tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import datasets
import numpy as np
import torch

from xstilts.formats import prediction
from xstilts.formats.common import attention_mask, pad
from xstilts.formats.prediction import Predicted, Predictor
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.task import Task
from xstilts.workers.process import World

LENGTHS = [3, 9, 1, 9, 5]


def split() -> Any:
    """Features of those lengths; feature number n is the id n all along."""
    ids = [[number] * length for number, length in enumerate(LENGTHS)]
    features = datasets.Dataset.from_dict({"input_ids": ids})
    return SimpleNamespace(features=features, lengths=np.array(LENGTHS))


class Model(torch.nn.Module):
    """Gives the ids back; notes the widths of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.body = None
        self.shapes: list[tuple[int, ...]] = []
        self.trained_while_asked: list[bool] = []

    def outputs(self, member: int, batch: dict[str, Any]) -> tuple[Any, None]:
        self.shapes.append(tuple(batch["input_ids_BL"].shape))
        self.trained_while_asked.append(self.training)
        return batch["input_ids_BL"], None


def collate(features: list[dict[str, Any]], pad_id: int, generator: Any) -> dict[str, Any]:
    ids = [feature["input_ids"] for feature in features]
    return {"input_ids_BL": pad(ids, pad_id), "attention_mask_BL": attention_mask(ids)}


def predicted(name: str, model: Model, **changes: Any) -> list[Any]:
    compact = changes.pop("compact", None)
    predict = prediction.one_pass(FORMATS[name], collate, compact)  # type: ignore[index]
    world = World(rank=0, size=1, device=torch.device("cpu"))
    return predict(
        split(),
        SimpleNamespace(name="t"),  # type: ignore[arg-type]
        Predictor(
            model=model, member=0, tokenizer=None, pad_id=99, world=world, bf16=False, **changes
        ),
    )


def test_batches_hold_every_feature_once_and_few_tokens() -> None:
    lengths = torch.randint(1, 100, (500,), generator=torch.Generator().manual_seed(0)).tolist()
    made = list(prediction.batches(lengths, 400))
    assert sorted(row for batch in made for row in batch) == list(range(500))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 400 for batch in made)
    assert len(list(prediction.batches([900, 900], 400))) == 2


def test_batches_of_a_masked_lm_are_smaller_for_its_logits_are_words_wide() -> None:
    text, tags = (
        prediction.batch_tokens(FORMATS[name], "cuda")  # type: ignore[index]
        for name in ("masked_lm", "tagging")
    )
    assert tags == 65536 and text * 0.15 * 250_002 * 4 < 2**31


def test_one_pass_cuts_the_padding_of_what_has_an_entry_a_token_and_of_nothing_else() -> None:
    per_token = predicted("tagging", Model())
    assert [one.tolist() for one in per_token] == split().features["input_ids"][:]
    assert [len(one) for one in predicted("classification", Model())] == [16] * len(LENGTHS)


def test_one_pass_keeps_features_in_order_as_the_keeper_gives_them_back() -> None:
    kept = predicted(
        "tagging", Model(), compact=lambda one: one.sum(), keep=lambda row, one: (row, int(one))
    )
    assert kept == [(number, number * length) for number, length in enumerate(LENGTHS)]


def test_one_pass_is_without_dropout_and_leaves_the_model_as_it_was() -> None:
    model = Model()
    assert model.training
    predicted("tagging", model)
    assert not any(model.trained_while_asked) and model.training


def test_each_alone_decodes_the_test_rows_of_every_language() -> None:
    def decode(kept: Any, encoded: Any, task: Task) -> dict[str, list[Any]]:
        return {"id": [encoded, *kept]}

    tables = prediction.each_alone(decode)
    of: Any = {one: {"test": Predicted(one, [one * 2])} for one in ("de", "sw")}  # type: ignore[arg-type]
    task: Any = SimpleNamespace(name="t")
    assert tables(of, task) == {"de": {"id": ["de", "dede"]}, "sw": {"id": ["sw", "swsw"]}}
    assert list(prediction.one_reading(of["de"], task, 2)) == [({}, of["de"])]
