from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import XLMRobertaConfig

from xstilts.errors import DataError
from xstilts.formats import masked_lm
from xstilts.formats.common import IGNORE
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.masked_lm import MaskedLMOptions
from xstilts.spec.hyperparameters import Hyperparameters

LINES = ["ab", "cdefghijklmnopqrstuvwxyz", "x y z", "", "A B", "ghi", "jk lm", "abcabcabc"]


@pytest.fixture
def task(make_task: Any) -> Any:
    return make_task("masked_lm")


@pytest.fixture
def blocks(task: Any, spelling_tokenizer: Any) -> list[dict[str, Any]]:
    """Thirty blocks of up to 64 tokens."""
    rng = np.random.default_rng(0)
    lines = ["".join(rng.choice(list("abcdefgh "), size)) for size in rng.integers(5, 200, 40)]
    columns = masked_lm.encode(
        {"text": lines}, task, spelling_tokenizer, Hyperparameters(max_length_tokens=64), 0
    )
    return [
        {name: values[i] for name, values in columns.items()} for i in range(len(columns["row"]))
    ]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_encode_long_lines_are_cut_and_short_ones_packed(
    task: Any, spelling_tokenizer: Any
) -> None:
    features = masked_lm.encode(
        {"text": LINES}, task, spelling_tokenizer, Hyperparameters(max_length_tokens=12), 0
    )

    assert all(ids[0] == 0 and ids[-1] == 2 and len(ids) <= 12 for ids in features["input_ids"])
    assert len(features["row"]) < len(LINES)
    blocks = [spelling_tokenizer.convert_ids_to_tokens(ids) for ids in features["input_ids"]]
    assert blocks[0] == [
        "<s>",
        "a",
        "##b",
        "</s>",
        "##w",
        "##x",
        "##y",
        "##z",
        "</s>",
        "<unk>",
        "<unk>",
        "</s>",
    ]
    assert sum(len(block) == 12 for block in blocks) >= 3


def test_encode_lines_lose_no_token(task: Any, tokenizer: Any) -> None:
    features = masked_lm.encode(
        {"text": LINES}, task, tokenizer, Hyperparameters(max_length_tokens=12), 0
    )

    kept = sorted(i for ids in features["input_ids"] for i in ids if i > 4)
    every = sorted(
        i for ids in tokenizer(LINES, add_special_tokens=False)["input_ids"] for i in ids if i > 4
    )
    assert kept == every


def test_encode_blocks_hold_one_language_each(task: Any, spelling_tokenizer: Any) -> None:
    hyper = Hyperparameters(max_length_tokens=12)
    rows = {
        "text": ["ab", "cd", "x", "yz", "wv", "e"],
        "language": ["en", "en", "sw", "sw", "sw", "en"],
    }
    features = masked_lm.encode(rows, task, spelling_tokenizer, hyper, 100)

    blocks = [spelling_tokenizer.convert_ids_to_tokens(ids) for ids in features["input_ids"]]
    assert blocks == [
        ["<s>", "a", "##b", "</s>", "c", "##d", "</s>"],
        ["<s>", "x", "</s>", "y", "##z", "</s>", "w", "##v", "</s>"],
        ["<s>", "e", "</s>"],
    ]
    assert features["row"] == [100, 102, 105]


def test_encode_rows_of_one_language_are_packed_as_without_the_column(
    task: Any, spelling_tokenizer: Any
) -> None:
    hyper = Hyperparameters(max_length_tokens=12)
    plain = masked_lm.encode({"text": LINES}, task, spelling_tokenizer, hyper, 0)
    told = masked_lm.encode(
        {"text": LINES, "language": ["en"] * len(LINES)}, task, spelling_tokenizer, hyper, 0
    )
    assert plain == told


@pytest.mark.parametrize("probability", [0.01, 0.15, 0.5])
def test_encode_items_are_the_exact_share_of_what_is_not_special(
    make_task: Any, spelling_tokenizer: Any, probability: float
) -> None:
    task = make_task("masked_lm", options=MaskedLMOptions(mask_probability=probability))
    features = masked_lm.encode(
        {"text": LINES}, task, spelling_tokenizer, Hyperparameters(max_length_tokens=12), 0
    )

    for ids, special, items in zip(
        features["input_ids"], features["special"], features["n_items"], strict=True
    ):
        assert special == [i for i, token in enumerate(ids) if token < 5]
        assert items == max(1, round(probability * (len(ids) - len(special))))


def test_encode_blocks_of_unknown_tokens_alone_are_dropped(
    task: Any, spelling_tokenizer: Any
) -> None:
    assert (
        masked_lm.encode({"text": ["A B", ""]}, task, spelling_tokenizer, Hyperparameters(), 0)[
            "row"
        ]
        == []
    )
    assert (
        masked_lm.encode({"text": []}, task, spelling_tokenizer, Hyperparameters(), 0)["row"] == []
    )


def test_encode_tokenizer_without_mask_is_an_error(task: Any) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    )
    with pytest.raises(DataError, match="no mask token"):
        masked_lm.encode({"text": ["a"]}, task, bare, Hyperparameters(), 0)


def test_pack_real_text_leaves_little_empty(
    task: Any, xlmr_tokenizer: Any, mirror_rows: Any
) -> None:
    rows = mirror_rows("local/multilingual-text", "sw", "train", 1000)
    features = masked_lm.encode(
        {"text": [row["text"] for row in rows]}, task, xlmr_tokenizer, Hyperparameters(), 0
    )

    assert np.mean(features["length"]) > 0.9 * 128


def test_collate_masks_exactly_the_items_and_no_special_token(blocks: list[dict[str, Any]]) -> None:
    batch = masked_lm.collate(blocks, 1, generator())

    masked_BL = batch["labels_BL"] != IGNORE
    assert masked_BL.sum(dim=1).tolist() == [block["n_items"] for block in blocks]
    assert (batch["labels_BL"][masked_BL] >= 5).all()
    for i, block in enumerate(blocks):
        original = torch.tensor(block["input_ids"])
        masked_L = masked_BL[i, : len(original)]
        assert torch.equal(batch["labels_BL"][i, : len(original)][masked_L], original[masked_L])
        assert torch.equal(
            batch["input_ids_BL"][i, : len(original)][~masked_L], original[~masked_L]
        )


def test_collate_masks_follow_the_80_10_10_rule(blocks: list[dict[str, Any]]) -> None:
    source, fates = generator(), np.zeros(3)
    for _ in range(200):
        batch = masked_lm.collate(blocks, 1, source)
        labels, ids = (
            batch[name][batch["labels_BL"] != IGNORE] for name in ("labels_BL", "input_ids_BL")
        )
        fates += [(ids == 4).sum(), ((ids != 4) & (ids != labels)).sum(), (ids == labels).sum()]

    # Of the 10 % drawn at random from 57 tokens a few hit the mask or the token itself.
    assert fates / fates.sum() == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_collate_masks_follow_the_generator_alone(blocks: list[dict[str, Any]]) -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first, second = (
        masked_lm.collate(blocks, 1, generator(3)),
        masked_lm.collate(blocks, 1, generator(3)),
    )
    other = masked_lm.collate(blocks, 1, generator(4))

    assert torch.equal(first["input_ids_BL"], second["input_ids_BL"])
    assert not torch.equal(first["input_ids_BL"], other["input_ids_BL"])
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator is untouched"


def test_collate_without_a_generator_masks_a_block_the_same_in_every_batch(
    blocks: list[dict[str, Any]],
) -> None:
    whole = masked_lm.collate(blocks, 1, None)
    for i in (0, 7, len(blocks) - 1):
        alone = masked_lm.collate([blocks[i]], 1, None)
        width = alone["input_ids_BL"].shape[1]
        assert torch.equal(alone["input_ids_BL"][0], whole["input_ids_BL"][i, :width])
        assert torch.equal(alone["labels_BL"][0], whole["labels_BL"][i, :width])


def test_head_saves_its_own_weights_under_xlmrs_names_and_no_decoder(task: Any) -> None:
    config = XLMRobertaConfig(vocab_size=57, hidden_size=16)
    body = nn.Embedding(57, 16)
    head = masked_lm.Head(16, 0.1, task, config)
    head.tie(body.weight)

    assert set(head.state_dict()) == {
        "dense.weight",
        "dense.bias",
        "layer_norm.weight",
        "layer_norm.bias",
        "bias",
    }
    assert all(parameter is not body.weight for parameter in head.parameters())
    with pytest.raises(ValueError, match="10 rows; must have 57"):
        head.tie(nn.Parameter(torch.zeros(10, 16)))


def test_head_without_a_tied_embedding_says_so(task: Any) -> None:
    head = masked_lm.Head(16, 0.1, task, XLMRobertaConfig(vocab_size=57))
    with pytest.raises(RuntimeError, match="call tie"):
        head(torch.zeros(1, 8, 16), {"labels_BL": torch.zeros(1, 8, dtype=torch.int64)})


def test_head_loss_is_the_sum_over_masked_tokens_and_reaches_the_embedding(
    task: Any, blocks: list[dict[str, Any]]
) -> None:
    torch.manual_seed(0)
    body, config = nn.Embedding(57, 16), XLMRobertaConfig(vocab_size=57)
    head = masked_lm.Head(16, 0.1, task, config)
    head.tie(body.weight)
    batch = masked_lm.collate(blocks, 1, generator())
    hidden_BLH = torch.randn(*batch["input_ids_BL"].shape, 16)

    predicted_BL, loss = head(hidden_BLH, batch)

    every_BLV = (
        head.layer_norm(nn.functional.gelu(head.dense(hidden_BLH))) @ body.weight.T + head.bias
    )
    expected = nn.functional.cross_entropy(
        every_BLV.flatten(0, 1), batch["labels_BL"].flatten(), reduction="sum"
    )
    masked_BL = batch["labels_BL"] != IGNORE
    assert loss is not None and loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert torch.equal(predicted_BL[masked_BL], every_BLV.argmax(-1)[masked_BL])
    assert (predicted_BL[~masked_BL] == IGNORE).all()
    loss.backward()
    assert body.weight.grad is not None and body.weight.grad.abs().sum() > 0


def test_decode_counts_the_masked_tokens_that_are_right(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(
        masked_lm, {"text": ["abcdefgh", "ijkl", "mn op"]}, task, spelling_tokenizer, 16
    )
    features = list(split)
    logits = []
    for feature in features:
        predicted_L = np.full(24, IGNORE)
        predicted_L[[1, 2]] = [feature["input_ids"][1], 5]
        logits.append(predicted_L)

    table = masked_lm.decode(logits, split, task)

    assert table["tokens"] == [2] * len(features) and table["tokens_correct"] == [1] * len(features)
    assert METRICS["masked_accuracy"].of(table) == 50.0
    assert json.loads(table["gold"][0]) == features[0]["input_ids"][1:3]
    assert json.loads(table["prediction"][0]) == [features[0]["input_ids"][1], 5]


def test_head_with_xlmrs_pretrained_weights_predicts_what_transformers_does(
    task: Any, xlmr_folder: Path, xlmr_tokenizer: Any, encode_split: Any
) -> None:
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(xlmr_folder).eval()
    head = masked_lm.Head(model.config.hidden_size, 0.1, task, model.config).eval()
    own = {k: v for k, v in model.lm_head.state_dict().items() if not k.startswith("decoder.")}
    head.load_state_dict(own, strict=True)
    head.tie(model.get_input_embeddings().weight)
    text = [
        "The capital of France is Paris.",
        "Die Katze schläft auf dem Sofa.",
        "Habari ya asubuhi, rafiki yangu.",
    ]
    split = encode_split(masked_lm, {"text": text}, task, xlmr_tokenizer, 64)
    batch = masked_lm.collate(list(split), xlmr_tokenizer.pad_token_id, None)

    with torch.no_grad():
        inputs = {"input_ids": batch["input_ids_BL"], "attention_mask": batch["attention_mask_BL"]}
        logits_BLV = model(**inputs).logits
        hidden_BLH = model.base_model(**inputs).last_hidden_state
        predicted_BL, loss = head(hidden_BLH, batch)

    masked_BL = batch["labels_BL"] != IGNORE
    assert torch.equal(predicted_BL[masked_BL], logits_BLV.argmax(-1)[masked_BL])
    reference = nn.functional.cross_entropy(
        logits_BLV[masked_BL], batch["labels_BL"][masked_BL], reduction="sum"
    )
    assert loss is not None and loss.item() == pytest.approx(reference.item(), rel=1e-5)
