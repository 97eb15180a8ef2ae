from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from transformers import XLMRobertaConfig

from xstilts.errors import DataError
from xstilts.formats import tagging
from xstilts.formats.common import IGNORE
from xstilts.scoring.metrics import METRICS
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import UNSEEN

ENTITIES = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
SPEECH = (
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
)
ROWS: dict[str, list[Any]] = {
    "tokens": [
        ["abc", "d"],
        [],
        ["ab", "cd", "ef", "gh", "ij", "kl", "m"],
        ["a", " ", "B", "x" * 60],
    ],
    "tags": [[1, 0], [], [0, 1, 2, 0, 5, 6, 0], [1, 2, 0, -1]],
}


@pytest.fixture
def task(make_task: Any) -> Any:
    return make_task("tagging", labels=ENTITIES)


def one_hot(
    split: Any, guesses: list[list[int]], n_labels: int = len(ENTITIES)
) -> list[np.ndarray]:
    """Logits (padded to 64) of which `decode` must read `guesses`: label ids of each sentence's
    words.
    """
    flat = {row: iter(labels) for row, labels in enumerate(guesses)}
    logits = []
    for feature in split:
        scores_LC = np.full((64, n_labels), -1.0, dtype=np.float32)
        scores_LC[:, 0] = 5
        for position in feature["positions"]:
            scores_LC[position, next(flat[feature["row"]])] = 9
        logits.append(scores_LC)
    return logits


def test_encode_label_stands_on_the_first_subtoken(task: Any, spelling_tokenizer: Any) -> None:
    features = tagging.encode(
        {"tokens": [["abc", "d"]], "tags": [[1, 0]]}, task, spelling_tokenizer, Hyperparameters(), 0
    )
    batch = tagging.collate([{name: values[0] for name, values in features.items()}], 1, None)

    tokens = spelling_tokenizer.convert_ids_to_tokens(features["input_ids"][0])
    assert tokens == ["<s>", "a", "##b", "##c", "d", "</s>"]
    assert batch["labels_BL"][0].tolist() == [IGNORE, 1, IGNORE, IGNORE, 0, IGNORE, IGNORE, IGNORE]
    assert features["n_items"] == [2] and features["length"] == [6]


def test_encode_long_sentence_is_split_at_word_boundaries_and_loses_nothing(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(tagging, ROWS, task, spelling_tokenizer, 8)
    parts = [feature for feature in split if feature["row"] == 2]

    words = [
        " ".join(spelling_tokenizer.convert_ids_to_tokens(f["input_ids"][1:-1])) for f in parts
    ]
    assert [text.replace(" ##", "") for text in words] == ["ab cd ef", "gh ij kl", "m"]
    assert [label for f in parts for label in f["labels"]] == [0, 1, 2, 0, 5, 6, 0]
    assert all(
        f["input_ids"][0] == 0 and f["input_ids"][-1] == 2 and f["length"] <= 8 for f in parts
    )


def test_encode_words_without_pieces_or_with_too_many_become_unknown(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(tagging, ROWS, task, spelling_tokenizer, 32)
    last = next(feature for feature in split if feature["row"] == 3)

    tokens = spelling_tokenizer.convert_ids_to_tokens(last["input_ids"])
    assert tokens == ["<s>", "a", "<unk>", "<unk>", "<unk>", "</s>"]
    assert last["labels"] == [1, 2, 0, IGNORE] and last["n_items"] == 3


def test_encode_empty_sentence_gives_no_feature_but_a_row_of_predictions(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(tagging, ROWS, task, spelling_tokenizer, 8)
    table = tagging.decode(one_hot(split, [[1, 0], [], [0] * 7, [0] * 4]), split, task)

    assert 1 not in split.features["row"]
    assert table["prediction"][1] == "[]" and table["tokens"][1] == table["gold_chunks"][1] == 0


def test_encode_tags_may_be_names(task: Any, spelling_tokenizer: Any) -> None:
    batch = {"tokens": [["a", "b"]], "tags": [["B-LOC", "I-LOC"]]}

    assert tagging.encode(batch, task, spelling_tokenizer, Hyperparameters(), 0)["labels"] == [
        [5, 6]
    ]


def test_encode_every_sentence_empty_gives_no_features(task: Any, spelling_tokenizer: Any) -> None:
    features = tagging.encode(
        {"tokens": [[]], "tags": [[]]}, task, spelling_tokenizer, Hyperparameters(), 0
    )

    assert features["row"] == []


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([0], "row 4: 2 tokens but 1 tags"),
        ([0, 7], "row 4: label is 7; must be one of O, B-PER"),
        ([0, "B-MISC"], "row 4: label is 'B-MISC'"),
    ],
)
def test_encode_bad_tags_are_an_error(
    task: Any, spelling_tokenizer: Any, tags: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        tagging.encode(
            {"tokens": [["a", "b"]], "tags": [tags]}, task, spelling_tokenizer, Hyperparameters(), 3
        )


@pytest.mark.parametrize(
    ("lengths", "room", "expected"),
    [
        ([], 6, []),
        ([1, 2, 3], 6, [(0, 3)]),
        ([6, 6], 6, [(0, 1), (1, 2)]),
        ([3, 3, 1, 6, 2], 6, [(0, 2), (2, 3), (3, 4), (4, 5)]),
    ],
)
def test_windows_cover_every_word_once(
    lengths: list[int], room: int, expected: list[tuple[int, int]]
) -> None:
    assert list(tagging.windows(lengths, room)) == expected


def test_head_loss_is_the_sum_over_first_subtokens(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    torch.manual_seed(0)
    features = list(encode_split(tagging, ROWS, task, spelling_tokenizer, 8))
    head = tagging.Head(16, 0.1, task, XLMRobertaConfig()).eval()
    batch = tagging.collate(features, 1, None)
    logits_BLC, loss = head(torch.randn(*batch["input_ids_BL"].shape, 16), batch)

    items = sum(feature["n_items"] for feature in features)
    labelled = batch["labels_BL"] != IGNORE
    losses = -logits_BLC.log_softmax(-1)[labelled].gather(1, batch["labels_BL"][labelled][:, None])
    assert len(losses) == items
    assert loss is not None and loss.item() == pytest.approx(losses.sum().item(), rel=1e-6)
    assert head(torch.randn(1, 8, 16), {})[1] is None


def test_decode_merges_split_sentences_to_one_row(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(tagging, ROWS, task, spelling_tokenizer, 8)
    guesses = [[1, 0], [], [0, 1, 2, 0, 5, 0, 0], [0, 0, 0, 0]]

    table = tagging.decode(one_hot(split, guesses), split, task)

    assert table["id"] == ["0", "1", "2", "3"]
    assert json.loads(table["prediction"][2]) == [ENTITIES[i] for i in guesses[2]]
    assert json.loads(table["gold"][2]) == ["O", "B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"]
    assert json.loads(table["gold"][3]) == ["B-PER", "I-PER", "O"], (
        "a word without a label is left out"
    )
    assert table["true_positives"] == [1, 0, 1, 0]
    assert table["predicted"] == [1, 0, 2, 0]
    assert table["gold_chunks"] == [1, 0, 2, 1]
    assert table["tokens_correct"] == [2, 0, 6, 1] and table["tokens"] == [2, 0, 7, 3]


def test_decode_predictions_do_not_depend_on_where_a_sentence_is_split(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    guesses = [[1, 0], [], [0, 1, 2, 0, 5, 6, 3], [0, 0, 0, 0]]
    tables = []
    for max_length in (8, 10, 64):
        split = encode_split(tagging, ROWS, task, spelling_tokenizer, max_length)
        tables.append(tagging.decode(one_hot(split, guesses), split, task))

    assert tables[0] == tables[1] == tables[2]


def test_statistics_of_speech_tags_count_runs_of_equal_tags() -> None:
    gold, guess = ["DET", "NOUN", "NOUN", "VERB", "PUNCT"], ["DET", "NOUN", "VERB", "VERB", "PUNCT"]

    table = tagging.statistics([gold], [guess])

    # Chunks DET, NOUN NOUN, VERB, PUNCT against DET, NOUN, VERB VERB, PUNCT: 2 of 4 and 4
    assert (
        METRICS["chunk_f1"].of(table) == METRICS["chunk_f1_merged"].of(table) == pytest.approx(50.0)
    )
    assert METRICS["token_accuracy"].of(table) == pytest.approx(80.0)


def test_statistics_of_swapped_conjunctions_are_apart_and_merged() -> None:
    table = tagging.statistics([["CCONJ", "NOUN"]], [["SCONJ", "NOUN"]])

    assert METRICS["chunk_f1"].of(table) == 50.0
    assert METRICS["chunk_f1_merged"].of(table) == 100.0
    assert METRICS["token_accuracy"].of(table) == 50.0


def test_statistics_of_types_with_hyphens_keep_them_whole() -> None:
    labels = ("O", "B-person-other", "B-place-other")
    table = tagging.statistics(
        [["B-person-other", "O"], ["O", "B-place-other"]],
        [["B-place-other", "O"], ["O", "B-place-other"]],
        labels,
    )

    assert METRICS["chunk_f1"].of(table) == METRICS["chunk_f1_merged"].of(table) == 50.0
    assert table["true_positives"] == [0, 1]


def test_statistics_depend_on_the_table_and_not_on_the_tags_that_occur() -> None:
    # SYM SYM: two chunks by XTREME's rule for parts of speech, one run in any other table
    gold = [["SYM", "SYM"]]

    assert tagging.statistics(gold, gold, ("SYM", "NOUN"))["gold_chunks"] == [2]
    assert tagging.statistics(gold, gold, ("SYM", "NOUN", "other"))["gold_chunks"] == [1]


def test_unseen_gold_tag_is_not_learned_nor_predicted_and_counts_as_a_mistake(
    make_task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    task = make_task("tagging", labels=("N", "V", UNSEEN))
    rows = {"tokens": [["a", "b", "c"]], "tags": [[0, 2, 1]]}
    split = encode_split(tagging, rows, task, spelling_tokenizer)

    assert split.features["n_items"] == [2]
    assert tagging.collate(list(split), 1, None)["labels_BL"][0].tolist()[:5] == [
        IGNORE,
        0,
        IGNORE,
        1,
        IGNORE,
    ]
    logits = one_hot(split, [[0, 1, 1]], 3)
    logits[0][:, 2] = 99  # whatever the model says of it
    table = tagging.decode(logits, split, task)
    assert json.loads(table["prediction"][0]) == ["N", "V", "V"]
    assert json.loads(table["gold"][0]) == ["N", UNSEEN, "V"]
    assert (table["tokens_correct"], table["tokens"]) == ([2], [3])
    # Chunks N, <unseen>, V against N, V V: N alone agrees
    assert (table["true_positives"], table["gold_chunks"], table["predicted"]) == ([1], [3], [2])


def test_encode_real_sentences_give_back_every_word(
    make_task: Any, xlmr_tokenizer: Any, mirror_rows: Any, encode_split: Any
) -> None:
    sentences = mirror_rows("google/xtreme", "udpos.English", "train", 300)
    rows = {"tokens": [s["tokens"] for s in sentences], "tags": [s["pos_tags"] for s in sentences]}
    task = make_task("tagging", labels=SPEECH)

    split = encode_split(tagging, rows, task, xlmr_tokenizer, 24)
    perfect = tagging.decode(one_hot(split, rows["tags"], len(SPEECH)), split, task)

    assert len(split.features) > 300, "some are split"
    assert METRICS["chunk_f1"].of(perfect) == METRICS["token_accuracy"].of(perfect) == 100.0
    assert perfect["tokens"] == [len(tags) for tags in rows["tags"]]
    for feature in split:
        pieces = xlmr_tokenizer.convert_ids_to_tokens(
            [feature["input_ids"][i] for i in feature["positions"]]
        )
        assert all(piece.startswith("▁") or piece == "<unk>" for piece in pieces)
