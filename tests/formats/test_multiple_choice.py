from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import XLMRobertaConfig

from xstilts.errors import DataError
from xstilts.formats import multiple_choice
from xstilts.formats.common import IGNORE
from xstilts.scoring.metrics import METRICS
from xstilts.spec.hyperparameters import Hyperparameters

ROWS: dict[str, list[Any]] = {
    "context": ["my body cast a shadow", "he sat on a roof", "it rained", "so"],
    "choices": [
        ["the sun rose", "grass"],
        ["and fell", "and ran", "off", "he"],
        ["wet", "dry"],
        ["a", "b"],
    ],
    "label": [0, 2, 1, -1],
}
HYPER = Hyperparameters()


def texts(module_rows: dict[str, list[Any]], task: Any, tokenizer: Any) -> list[list[str]]:
    features = multiple_choice.encode(module_rows, task, tokenizer, HYPER, 0)
    return [[tokenizer.decode(ids) for ids in row] for row in features["input_ids"]]


def test_encode_rows_give_one_sequence_for_each_choice(make_task: Any, tokenizer: Any) -> None:
    features = multiple_choice.encode(ROWS, make_task("multiple_choice"), tokenizer, HYPER, 4)

    for context, choices, ids in zip(
        ROWS["context"], ROWS["choices"], features["input_ids"], strict=True
    ):
        assert ids == tokenizer([context] * len(choices), choices)["input_ids"]
    assert features["row"] == [4, 5, 6, 7]
    assert features["labels"] == [0, 2, 1, IGNORE]
    assert features["n_items"] == [1, 1, 1, 0]
    assert features["length"] == [sum(len(one) for one in ids) for ids in features["input_ids"]]


def test_encode_copas_words_become_questions(make_task: Any, xlmr_tokenizer: Any) -> None:
    rows: dict[str, list[Any]] = {
        "context": ["He fell."] * 3,
        "question": ["cause", "effect", "Why?"],
        "choices": [["Ice."]] * 3,
        "label": [0] * 3,
    }

    first = [row[0] for row in texts(rows, make_task("multiple_choice"), xlmr_tokenizer)]

    expected = ["He fell. What was the cause?", "He fell. What was the effect?", "He fell. Why?"]
    assert first == [
        xlmr_tokenizer.decode(xlmr_tokenizer([text], ["Ice."])["input_ids"][0]) for text in expected
    ]


def test_encode_long_context_is_cut_before_the_question(
    make_task: Any, spelling_tokenizer: Any
) -> None:
    rows: dict[str, list[Any]] = {
        "context": ["a" * 40, "a" * 40, "a" * 3],
        "question": ["qrs", None, "qrs"],
        "choices": [["xyz", "x"], ["xyz"], ["xyz"]],
        "label": [0, 0, 0],
    }
    hyper = Hyperparameters(max_length_tokens=16)  # 12 beside the four special tokens

    features = multiple_choice.encode(
        rows, make_task("multiple_choice"), spelling_tokenizer, hyper, 0
    )

    found = [
        [spelling_tokenizer.convert_ids_to_tokens(ids) for ids in row]
        for row in features["input_ids"]
    ]
    left = [[tokens[1 : tokens.index("</s>")] for tokens in row] for row in found]
    question = ["q", "##r", "##s"]
    assert left[0] == [["a", *["##a"] * 5, *question], ["a", *["##a"] * 7, *question]]
    assert left[1] == [["a", *["##a"] * 8]]
    assert left[2] == [["a", "##a", "##a", *question]]
    assert all(
        tokens[-4:] == ["x", "##y", "##z", "</s>"]
        for tokens in (found[0][0], found[1][0], found[2][0])
    )


def test_encode_question_longer_than_the_room_keeps_its_end_and_the_choice(
    make_task: Any, spelling_tokenizer: Any
) -> None:
    rows: dict[str, list[Any]] = {
        "context": ["a"],
        "question": ["q" * 30],
        "choices": [["xyz"]],
        "label": [0],
    }
    hyper = Hyperparameters(max_length_tokens=16)

    ids = multiple_choice.encode(rows, make_task("multiple_choice"), spelling_tokenizer, hyper, 0)[
        "input_ids"
    ][0][0]

    tokens = spelling_tokenizer.convert_ids_to_tokens(ids)
    assert tokens == ["<s>", *["##q"] * 9, "</s>", "</s>", "x", "##y", "##z", "</s>"]


def test_encode_prefix_begins_every_choice(make_task: Any, tokenizer: Any) -> None:
    rows: dict[str, list[Any]] = {
        "context": ["a man sits", "x"],
        "prefix": ["he", ""],
        "choices": [["runs", "naps"], ["y", "z"]],
    }
    features = multiple_choice.encode(
        {**rows, "label": [0, 0]}, make_task("multiple_choice"), tokenizer, HYPER, 0
    )

    assert (
        features["input_ids"][0]
        == tokenizer(["a man sits"] * 2, ["he runs", "he naps"])["input_ids"]
    )
    assert features["input_ids"][1] == tokenizer(["x"] * 2, ["y", "z"])["input_ids"]


def test_encode_label_names_map_through_the_table(make_task: Any, spelling_tokenizer: Any) -> None:
    task = make_task("multiple_choice", labels=("1", "2", "3"))
    rows: dict[str, list[Any]] = {"context": ["a"], "choices": [["b", "c", "d"]], "label": ["3"]}

    assert multiple_choice.encode(rows, task, spelling_tokenizer, HYPER, 0)["labels"] == [2]


@pytest.mark.parametrize(
    ("choices", "label", "message"),
    [
        (["b", "c"], 2, "row 6: label is 2; must be a number from 0 to 1"),
        (["b", "c"], "x", "row 6: label is 'x'"),
        ([], 0, "row 6: choices is empty"),
    ],
)
def test_encode_label_that_names_no_choice_is_an_error(
    make_task: Any, spelling_tokenizer: Any, choices: list[str], label: Any, message: str
) -> None:
    rows: dict[str, list[Any]] = {"context": ["a"], "choices": [choices], "label": [label]}
    with pytest.raises(DataError, match=message):
        multiple_choice.encode(rows, make_task("multiple_choice"), spelling_tokenizer, HYPER, 5)


def test_collate_rows_of_unequal_choices_point_into_one_line(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(
        multiple_choice, ROWS, make_task("multiple_choice"), spelling_tokenizer, 64
    )
    batch = multiple_choice.collate(list(split), 1, None)

    assert batch["input_ids_BL"].shape[0] == 10
    assert batch["slots_RK"].tolist() == [
        [0, 1, -1, -1],
        [2, 3, 4, 5],
        [6, 7, -1, -1],
        [8, 9, -1, -1],
    ]
    assert batch["labels_R"].tolist() == [0, 2, 1, IGNORE]
    assert batch["attention_mask_BL"].sum().item() == sum(split.features["length"])


def test_head_softmax_runs_over_a_rows_own_choices(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    torch.manual_seed(0)
    task = make_task("multiple_choice")
    head = multiple_choice.Head(16, 0.0, task, XLMRobertaConfig()).eval()
    features = list(encode_split(multiple_choice, ROWS, task, spelling_tokenizer, 64))
    hidden_BLH = torch.randn(10, 8, 16, requires_grad=True)

    logits_RK, loss = head(hidden_BLH, multiple_choice.collate(features, 1, None))

    scores = head.scorer(hidden_BLH)[:, 0]
    alone = [scores[:2], scores[2:6], scores[6:8]]
    expected = sum(
        -s.log_softmax(0)[label].item() for s, label in zip(alone, [0, 2, 1], strict=True)
    )
    assert logits_RK.shape == (4, 4) and torch.isneginf(logits_RK[0, 2:]).all()
    assert loss is not None and loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert hidden_BLH.grad is not None and torch.isfinite(hidden_BLH.grad).all()


def test_decode_ignores_scores_beyond_a_rows_choices(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    task = make_task("multiple_choice")
    split = encode_split(multiple_choice, ROWS, task, spelling_tokenizer, 64)
    logits = [
        np.array([1.0, 0, 9, 9]),
        np.array([0, 0, 0, 1.0]),
        np.array([0, 1.0, 9, 9]),
        np.zeros(4),
    ]

    table = multiple_choice.decode(logits, split, task)

    assert table["prediction"] == ["0", "3", "1"] and table["gold"] == ["0", "2", "1"]
    assert METRICS["accuracy"].of(table) == pytest.approx(200 / 3)


def test_encode_real_hellaswag_fits_the_length(
    make_task: Any, xlmr_tokenizer: Any, mirror_rows: Any
) -> None:
    rows = mirror_rows("Rowan/hellaswag", "default", "validation", 50)
    names = {"context": "ctx_a", "prefix": "ctx_b", "choices": "endings", "label": "label"}
    batch = {role: [row[name] for row in rows] for role, name in names.items()}
    task = make_task("multiple_choice", labels=("0", "1", "2", "3"))

    features = multiple_choice.encode(
        batch, task, xlmr_tokenizer, Hyperparameters(max_length_tokens=64), 0
    )

    assert all(len(row) == 4 and max(map(len, row)) <= 64 for row in features["input_ids"])
    assert features["labels"] == [int(row["label"]) for row in rows]
