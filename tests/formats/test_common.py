from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset

from xstilts.errors import DataError
from xstilts.formats import common
from xstilts.spec.hyperparameters import Hyperparameters

TEXTS = [
    "",
    "a",
    "the cat sat",
    "a rather longer text about cats and dogs",
    "internationalisation " * 7,
    "the cat sat",
]


def test_pad_rows_of_several_lengths_fills_up_to_a_multiple_of_eight() -> None:
    ids = common.pad([[5, 6], list(range(9))], 1)

    assert ids.dtype == torch.int64 and ids.shape == (2, 16)
    assert ids[0].tolist() == [5, 6] + [1] * 14 and ids[1].tolist() == [*range(9), *[1] * 7]


def test_pad_row_of_a_full_multiple_adds_nothing() -> None:
    assert common.pad([list(range(8))], 1).shape == (1, 8)


def test_pad_multiple_of_one_keeps_the_longest() -> None:
    assert common.pad([[1], [1, 2, 3]], -1, multiple=1).tolist() == [[1, -1, -1], [1, 2, 3]]


def test_attention_mask_text_that_holds_the_pad_id_stays_visible() -> None:
    assert common.attention_mask([[0, 1, 2], [0, 2]])[:, :4].tolist() == [
        [1, 1, 1, 0],
        [1, 1, 0, 0],
    ]


@pytest.mark.parametrize("max_length", [8, 11, 12, 13, 20, 64])
def test_encode_pairs_of_texts_of_all_lengths_equals_a_call_of_the_tokenizer(
    tokenizer: Any, max_length: int
) -> None:
    first = [left for left in TEXTS for _ in TEXTS]
    second = TEXTS * len(TEXTS)
    hyper = Hyperparameters(max_length_tokens=max_length)
    expected = tokenizer(first, second, truncation="longest_first", max_length=max_length)[
        "input_ids"
    ]

    assert common.encode_pairs(first, second, tokenizer, hyper) == expected


@pytest.mark.parametrize("max_length", [8, 64])
def test_encode_pairs_of_single_texts_equals_a_call_of_the_tokenizer(
    tokenizer: Any, max_length: int
) -> None:
    hyper = Hyperparameters(max_length_tokens=max_length)
    expected = tokenizer(TEXTS, truncation=True, max_length=max_length)["input_ids"]

    assert common.encode_pairs(TEXTS, None, tokenizer, hyper) == expected
    assert common.encode_pairs([], None, tokenizer, hyper) == []


def test_encode_pairs_missing_text_is_an_error(spelling_tokenizer: Any) -> None:
    with pytest.raises(DataError, match="text is missing"):
        # type: ignore[list-item]
        common.encode_pairs(["a", None], None, spelling_tokenizer, Hyperparameters())


@pytest.mark.parametrize(
    ("columns", "language", "expected"),
    [
        ({"text": ["a", "b"]}, "th", ["th", "th"]),
        ({"text": ["a", "b"]}, None, ["en", "en"]),
        ({"text": ["a", "b"], "language": ["de", "zh"]}, None, ["de", "zh"]),
    ],
)
def test_row_languages_rows_then_split_then_training(
    make_task: Any, columns: dict[str, Any], language: str | None, expected: list[str]
) -> None:
    encoded: Any = SimpleNamespace(rows=Dataset.from_dict(columns), language=language)

    assert common.row_languages(encoded, make_task("masked_lm")) == expected


def test_frame_of_a_tokenizer_without_special_tokens_is_empty() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    )

    assert common.frame(bare) == ([], [])


def test_label_table_of_a_task_without_labels_is_an_error(make_task: Any) -> None:
    with pytest.raises(DataError, match="task t: labels is empty"):
        common.label_table(make_task("tagging"))


def test_initialise_head_draws_weights_of_the_configured_width() -> None:
    class Config:
        initializer_range = 0.5

    head = common.FirstTokenHead(64, 64, 0.0)
    common.initialise(head, Config())

    assert head.dense.weight.std().item() == pytest.approx(0.5, rel=0.1)
    assert not head.dense.bias.any() and not head.out.bias.any()
