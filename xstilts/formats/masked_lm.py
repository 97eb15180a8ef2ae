"""Masked language modelling: pretraining from scratch, or continued pretraining of a model.

**Blocks.** A line longer than `max_length_tokens` is cut into blocks; short lines and the rests of
long ones are packed together, `<s> line </s> line </s>`, so that batches have little padding. Lines
of one block see each other, as in RoBERTa's FULL-SENTENCES (Liu et al. 2019, section 4.2). Only
lines in the same call of `encode` (neighbours in the source) are packed, never lines of two splits
or two languages (rows of several languages have a column `language`), so each block has one
language by which it can be sampled.

**Masks** are drawn again for every batch. Of the `n` non-special tokens of a block exactly
`max(1, round(p n))` are predicted, where p is `options.mask_probability`; so `n_items` is known
before masks are drawn. 80 % of these are replaced by the mask token, 10 % by a token drawn from the
whole vocabulary, 10 % stay (Devlin et al. 2019, section 3.1). All draws come from the given
generator; without one they depend on each block alone, so an evaluation has the same masks at every
step and with any batching.

**Head**: dense, gelu, LayerNorm, the embedding matrix as decoder, bias. The matrix belongs to the
body, which lends it through `Head.tie`; the head does not save it. Names match XLM-R's pretrained
`lm_head.*`. Scores over the vocabulary are computed only at masked positions: no L x V tensor is
ever made, and the head returns predicted ids as its "logits".

Legend: `B` blocks, `L` tokens, `M` masked positions, `H` hidden width, `V` vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, linear

from xstilts.errors import DataError
from xstilts.formats.common import (
    IGNORE,
    PLAIN,
    HeadModule,
    attention_mask,
    column,
    frame,
    initialise,
    pad,
)
from xstilts.formats.exporting import Batch, Exported, Layers, piped
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.spec.format_specs.masked_lm import MASKED_LM, MaskedLMOptions

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

OPEN_BLOCKS = 8
"""Number of blocks kept open for a line that fits."""


# -- encoding


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Packs lines into blocks; `row` is the first line of a block. A block without a token to mask
    is dropped.

    `special` lists the positions that are never masked. `DataError` for a tokenizer without a mask
    token.
    """
    if tokenizer.mask_token_id is None:
        raise DataError(
            f"task {task.name}: the model's tokenizer has no mask token; a masked LM needs one"
        )
    names = ("input_ids", "row", "n_items", "length", "special", "mask_id", "vocabulary")
    features: dict[str, list[Any]] = {name: [] for name in names}
    probability = MaskedLMOptions.of(task).mask_probability
    before, after = frame(tokenizer)
    never = set(tokenizer.all_special_ids)
    room = hyper.max_length_tokens - len(before) - len(after)
    lines = (
        tokenizer(batch["text"], add_special_tokens=False, **PLAIN)["input_ids"]
        if batch["text"]
        else []
    )
    for line, block in _blocks(lines, batch.get("language"), room, after[-1:]):
        ids = [*before, *block, *after]
        special = [i for i, token in enumerate(ids) if token in never]
        if len(special) == len(ids):
            continue
        items = n_masked(len(ids) - len(special), probability)
        values = (
            ids,
            first_row + line,
            items,
            len(ids),
            special,
            tokenizer.mask_token_id,
            len(tokenizer),
        )
        for name, value in zip(names, values, strict=True):
            features[name].append(value)
    return features


def _blocks(
    lines: list[list[int]], languages: Sequence[str] | None, room: int, separator: list[int]
) -> Iterator[tuple[int, list[int]]]:
    """Blocks of `pack`, made separately for each run of lines in one language."""
    for _, run in groupby(
        range(len(lines)), lambda number: languages[number] if languages else None
    ):
        numbers = list(run)
        for number, block in pack((lines[n] for n in numbers), room, separator):
            yield numbers[number], block


def n_masked(n_tokens: int, probability: float) -> int:
    """How many of `n_tokens` tokens are predicted."""
    return max(1, round(probability * n_tokens))


def pack(
    lines: Iterable[list[int]], room: int, separator: list[int]
) -> Iterator[tuple[int, list[int]]]:
    """`(number of its first line, ids)` of blocks of at most `room` ids, with `separator` between
    lines.

    A piece of a line goes into the first open block where it fits. If it fits into none and too
    many are open, the fullest is closed.
    """
    blocks: list[tuple[int, list[int]]] = []
    for number, line in enumerate(lines):
        for start in range(0, len(line), room):
            piece = line[start : start + room]
            fits = (ids for _, ids in blocks if len(ids) + len(separator) + len(piece) <= room)
            block = next(fits, None)
            if block is not None:
                block += [*separator, *piece]
                continue
            if len(blocks) == OPEN_BLOCKS:
                yield blocks.pop(max(range(OPEN_BLOCKS), key=lambda i: len(blocks[i][1])))
            blocks.append((number, list(piece)))
    yield from blocks


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL` with masks, `attention_mask_BL`, `labels_BL` (true ids at masked positions,
    else `IGNORE`).
    """
    ids = [feature["input_ids"] for feature in features]
    input_ids_BL = pad(ids, pad_id)
    labels_BL = torch.full_like(input_ids_BL, IGNORE)
    for i, feature in enumerate(features):
        _mask(input_ids_BL[i], labels_BL[i], feature, generator or _own_generator(feature))
    return {
        "input_ids_BL": input_ids_BL,
        "attention_mask_BL": attention_mask(ids),
        "labels_BL": labels_BL,
    }


def _mask(
    ids_L: Tensor, labels_L: Tensor, feature: dict[str, Any], generator: torch.Generator
) -> None:
    """Masks one block in place."""
    free = np.ones(len(feature["input_ids"]), dtype=bool)
    free[feature["special"]] = False
    places = torch.from_numpy(np.flatnonzero(free))
    chosen_M = places[torch.randperm(len(places), generator=generator)[: feature["n_items"]]]
    labels_L[chosen_M] = ids_L[chosen_M]
    fate_M = torch.rand(len(chosen_M), generator=generator)
    random_M = torch.randint(feature["vocabulary"], (len(chosen_M),), generator=generator)
    drawn_M = torch.where(fate_M < 0.9, random_M, ids_L[chosen_M])
    ids_L[chosen_M] = torch.where(fate_M < 0.8, feature["mask_id"], drawn_M)


def _own_generator(feature: dict[str, Any]) -> torch.Generator:
    """A generator seeded with a hash of the block's ids (FNV-1a, 64 bits)."""
    seed = 0xCBF29CE484222325
    for token in feature["input_ids"]:
        seed = ((seed ^ token) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed(seed >> 1)


# -- head


LAYERS: tuple[Layers, ...] = (
    {"dense.": "lm_head.dense.", "layer_norm.": "lm_head.layer_norm.", "bias": "lm_head.bias"},
    {
        "dense.": "cls.predictions.transform.dense.",
        "layer_norm.": "cls.predictions.transform.LayerNorm.",
        "bias": "cls.predictions.bias",
    },
)
"""Where its layers stand in XLM-R's and in BERT's checkpoints."""
BASE_NAMES: Mapping[str, str] = MappingProxyType(
    {theirs: own for layers in LAYERS for own, theirs in layers.items()}
)
"""Prefix of a tensor's name in XLM-R's and BERT's checkpoints to its prefix in our head."""


class Head(HeadModule):
    """Predicted ids at masked positions; `tie` must be called before the first forward."""

    one_text = True
    """A block counts as one text, however many lines it has: all its tokens have type 0."""
    base_names = BASE_NAMES

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.layer_norm = nn.LayerNorm(hidden_size, eps=getattr(config, "layer_norm_eps", 1e-5))
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self._embedding: tuple[Tensor, ...] = ()
        initialise(self, config)

    def tie(self, embedding_weight: Tensor) -> None:
        """Uses the body's `embedding_VH` as decoder; must be called again if the body gets a new
        one, as after a resize.
        """
        if embedding_weight.shape[0] != self.bias.shape[0]:
            found, must = embedding_weight.shape[0], self.bias.shape[0]
            raise ValueError(
                f"the embedding has {found} rows; must have {must}, the configuration's vocab_size"
            )
        # In a tuple torch does not register it: the weight stays the body's, saved and optimised
        # only once.
        self._embedding = (embedding_weight,)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`predicted_BL`, ids at masked positions and `IGNORE` elsewhere, and the summed cross
        entropy.
        """
        if not self._embedding:
            raise RuntimeError(
                "the masked LM head has no decoder: call tie(embedding_weight) first"
            )
        labels_BL = batch["labels_BL"]
        masked_BL = labels_BL != IGNORE
        features_MH = self.layer_norm(gelu(self.dense(hidden_BLH[masked_BL])))
        logits_MV = linear(features_MH, self._embedding[0], self.bias)
        predicted_BL = torch.full_like(labels_BL, IGNORE)
        predicted_BL[masked_BL] = logits_MV.detach().argmax(dim=-1)
        return predicted_BL, cross_entropy(logits_MV.float(), labels_BL[masked_BL], reduction="sum")


# -- decoding


def decode(
    logits: list[np.ndarray[Any, Any]], encoded: EncodedSplit, task: Task
) -> dict[str, list[Any]]:
    """One row for each block; prediction and gold are JSON lists of the ids at masked positions."""
    names = ("id", "prediction", "gold", "tokens_correct", "tokens")
    table: dict[str, list[Any]] = {name: [] for name in names}
    for number, (predicted_L, ids) in enumerate(
        zip(logits, column(encoded.features, "input_ids"), strict=True)
    ):
        places = np.flatnonzero(predicted_L[: len(ids)] != IGNORE)
        guess, truth = predicted_L[places].astype(np.int64), np.asarray(ids, dtype=np.int64)[places]
        values = (str(number), json.dumps(guess.tolist()), json.dumps(truth.tolist()))
        for name, value in zip(
            names, (*values, int((guess == truth).sum()), len(places)), strict=True
        ):
            table[name].append(value)
    return table


# -- predicting


predict = one_pass(MASKED_LM, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


def every_token(batch: Batch) -> dict[str, Tensor]:
    """All tokens are to be predicted, padding excepted."""
    ids_BL, mask_BL = batch["input_ids_BL"], batch["attention_mask_BL"]
    return {"labels_BL": ids_BL.masked_fill(mask_BL == 0, IGNORE)}


def summed_loss(predicted: Tensor, loss: Tensor | None) -> Tensor:
    """Our head gives no scores of the vocabulary; its loss depends on all of them."""
    assert loss is not None
    return loss


def its_summed_loss(outputs: Any, batch: Batch, task: Task) -> Tensor:
    """The same loss, from the class's `logits_BLV`."""
    flat, labels = outputs.logits.flatten(0, 1), batch["labels_BL"].flatten()
    return cross_entropy(flat, labels, ignore_index=IGNORE, reduction="sum")


exported = Exported(
    model_class="AutoModelForMaskedLM",
    pipeline="fill-mask",
    use=piped(
        "fill-mask",
        'model(f"a text with a {model.tokenizer.mask_token} in it")',
        "The decoder is the embedding matrix.",
    ),
    layers=LAYERS,
    more=every_token,
    ours=summed_loss,
    theirs=its_summed_loss,
)
