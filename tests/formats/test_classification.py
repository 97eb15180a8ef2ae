from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import XLMRobertaConfig

from xstilts.errors import DataError
from xstilts.formats import classification
from xstilts.formats.common import IGNORE
from xstilts.scoring.metrics import METRICS
from xstilts.spec.hyperparameters import Hyperparameters

LABELS = ("entailment", "neutral", "contradiction")
PAIRS: dict[str, list[Any]] = {
    "text": ["a cat sat", "dogs", "it rains a lot here", "no"],
    "text_pair": ["cats sit", "two dogs ran", "dry", ""],
    "label": [0, 2, 1, -1],
}


@pytest.fixture
def task(make_task: Any) -> Any:
    return make_task("classification", labels=LABELS, columns={"text_pair": "text_pair"})


def test_encode_pair_gives_the_tokenizers_pair(task: Any, tokenizer: Any) -> None:
    features = classification.encode(PAIRS, task, tokenizer, Hyperparameters(), 10)

    assert features["input_ids"] == tokenizer(PAIRS["text"], PAIRS["text_pair"])["input_ids"]
    assert features["row"] == [10, 11, 12, 13]
    assert features["labels"] == [0, 2, 1, IGNORE]
    assert features["n_items"] == [1, 1, 1, 0]
    assert features["length"] == [len(ids) for ids in features["input_ids"]]


def test_encode_label_may_be_a_name(task: Any, spelling_tokenizer: Any) -> None:
    batch: dict[str, list[Any]] = {"text": ["a", "b"], "label": ["contradiction", "entailment"]}

    assert classification.encode(batch, task, spelling_tokenizer, Hyperparameters(), 0)[
        "labels"
    ] == [2, 0]


def test_encode_single_text_has_one_segment(task: Any, spelling_tokenizer: Any) -> None:
    features = classification.encode(
        {"text": ["ab"], "label": [1]}, task, spelling_tokenizer, Hyperparameters(), 0
    )

    assert spelling_tokenizer.convert_ids_to_tokens(features["input_ids"][0]) == [
        "<s>",
        "a",
        "##b",
        "</s>",
    ]


def test_encode_too_long_pair_loses_the_longer_text_first(
    task: Any, spelling_tokenizer: Any
) -> None:
    batch: dict[str, list[Any]] = {"text": ["abcdefghij"], "text_pair": ["xy"], "label": [0]}
    features = classification.encode(
        batch, task, spelling_tokenizer, Hyperparameters(max_length_tokens=10), 0
    )

    tokens = spelling_tokenizer.convert_ids_to_tokens(features["input_ids"][0])
    assert tokens == ["<s>", "a", "##b", "##c", "##d", "</s>", "</s>", "x", "##y", "</s>"]


@pytest.mark.parametrize("label", [3, "maybe", -2, 1.5])
def test_encode_label_outside_the_table_names_row_and_table(
    task: Any, spelling_tokenizer: Any, label: Any
) -> None:
    with pytest.raises(
        DataError,
        match=r"task t, row 8: label is .*must be one of entailment, neutral, contradiction",
    ):
        classification.encode(
            {"text": ["a"], "label": [label]}, task, spelling_tokenizer, Hyperparameters(), 7
        )


def test_collate_pads_ids_and_keeps_labels(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(classification, PAIRS, task, spelling_tokenizer)
    batch = classification.collate(list(split), 1, None)

    longest = max(split.features["length"])
    assert (
        batch["input_ids_BL"].shape == batch["attention_mask_BL"].shape == (4, -(-longest // 8) * 8)
    )
    assert batch["attention_mask_BL"].sum(dim=1).tolist() == list(split.features["length"])
    assert (batch["input_ids_BL"][batch["attention_mask_BL"] == 0] == 1).all()
    assert batch["labels_B"].tolist() == [0, 2, 1, IGNORE]


def test_head_loss_is_the_sum_over_labelled_rows(task: Any) -> None:
    torch.manual_seed(0)
    head = classification.Head(16, 0.5, task, XLMRobertaConfig()).eval()
    hidden_BLH, labels_B = torch.randn(3, 8, 16), torch.tensor([2, IGNORE, 0])

    logits_BC, loss = head(hidden_BLH, {"labels_B": labels_B})

    assert logits_BC.shape == (3, 3)
    expected = -logits_BC.log_softmax(-1)[[0, 2], [2, 0]].sum()
    assert loss is not None and loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert head(hidden_BLH, {})[1] is None


def test_head_reads_the_first_token_alone(task: Any) -> None:
    head = classification.Head(16, 0.1, task, XLMRobertaConfig()).eval()
    hidden_BLH = torch.randn(2, 8, 16)
    changed = hidden_BLH.clone()
    changed[:, 1:] = 0

    assert torch.equal(head(hidden_BLH, {})[0], head(changed, {})[0])


def test_decode_gives_label_names_and_what_accuracy_needs(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(classification, PAIRS, task, spelling_tokenizer)
    logits = [
        np.array([2.0, 0, 1]),
        np.array([3.0, 0, 1]),
        np.array([0, 3.0, 1]),
        np.array([1.0, 0, 0]),
    ]

    table = classification.decode(logits, split, task)

    assert table["id"] == ["0", "1", "2"]
    assert table["prediction"] == ["entailment", "entailment", "neutral"]
    assert table["gold"] == ["entailment", "contradiction", "neutral"]
    assert METRICS["accuracy"].of(table) == pytest.approx(200 / 3)


def test_decode_last_label_is_the_positive_one(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    task = make_task("classification", labels=("no", "yes"))
    rows: dict[str, list[Any]] = {"text": ["a", "b", "c", "d"], "label": [1, 1, 0, 0]}
    split = encode_split(classification, rows, task, spelling_tokenizer)

    table = classification.decode([np.eye(2)[i] for i in (1, 0, 1, 0)], split, task)

    assert table["true_positive"] == [1, 0, 0, 0] and table["false_negative"] == [0, 1, 0, 0]
    assert table["false_positive"] == [0, 0, 1, 0] and table["true_negative"] == [0, 0, 0, 1]
    assert METRICS["binary_f1"].of(table) == METRICS["accuracy_f1"].of(table) == 50.0
    assert METRICS["matthews"].of(table) == 0.0


def test_decode_three_labels_score_one_against_the_others(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    rows: dict[str, list[Any]] = {"text": ["a", "b", "c", "d"], "label": [0, 0, 1, 2]}
    logits = [np.eye(3)[i] for i in (0, 1, 0, 0)]
    for positive, f1 in ((None, 0.0), ("entailment", 40.0)):
        task = make_task("classification", labels=LABELS, options={"positive_label": positive})
        table = classification.decode(
            logits, encode_split(classification, rows, task, spelling_tokenizer), task
        )
        # entailment: 1 right of 3 predicted and 2 gold, 2 * 1 / 5; contradiction: never predicted
        assert METRICS["binary_f1"].of(table) == pytest.approx(f1)
        assert METRICS["accuracy"].of(table) == 25.0


def test_positive_label_outside_the_table_is_an_error(make_task: Any) -> None:
    task = make_task("classification", labels=LABELS, options={"positive_label": "yes"})
    with pytest.raises(
        DataError, match=r"options.positive_label is 'yes'; must be one of entailment"
    ):
        classification.positive(task)


def test_decode_rows_with_ids_of_their_own_keep_them(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    rows = {"id": ["x", "y"], "text": ["a", "b"], "label": [0, 1]}
    split = encode_split(classification, rows, task, spelling_tokenizer)

    assert classification.decode([np.eye(3)[0], np.eye(3)[1]], split, task)["id"] == ["x", "y"]
