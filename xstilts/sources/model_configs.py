"""How many tokens a model reads, and for how many it has embeddings, by its files alone.

`config.json` and `tokenizer.json` are read from a folder, the mirror or the hub; no library opens
the model. A model with learned positions has a table of them and fails behind its end. RoBERTa and
its kin begin to count behind the padding's id, so 514 positions read 512 tokens. Rotary and
sinusoidal positions have no end: there the configuration says what the model was made for. Relative
positions (T5) say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.errors import DataError
from xstilts.sources import hub
from xstilts.sources.base_models import GENERATOR, base_place
from xstilts.sources.context import DataContext
from xstilts.spec.words import words

_AFTER_PADDING = words(
    "roberta xlm-roberta xlm-roberta-xl camembert xmod roberta-prelayernorm longformer "
    "data2vec-text ibert mpnet luke lilt layoutlmv3 markuplm esm"
)
"""Architectures whose positions begin behind the padding's id."""
_RELATIVE = words("t5 mt5 umt5 longt5 switch_transformers xlnet transfo-xl bloom mpt funnel mamba")
"""Architectures without a table of positions."""
_ENDLESS = words(
    "modernbert eurobert nomic_bert neobert gpt_neox gptj m2m_100 nllb-moe xglm gpt_neox_japanese"
)
"""Architectures with rotary or sinusoidal positions whose configuration may not say so."""
_DEFAULT_POSITIONS = 512
"""What transformers takes for BERT, RoBERTa and their kin where a configuration says nothing."""
_BERTS = words("bert electra albert rembert distilbert mobilebert deberta deberta-v2 ernie xlm")
_SIZES = words("max_position_embeddings n_positions max_seq_len seq_length")
_ROUNDED = 8
"""Batches are padded to a multiple of this (`formats.common.pad`); only models that count behind
the padding give a pad no position of its own.
"""


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many tokens a model reads."""

    tokens: int
    hard: bool
    """Whether a longer input fails; otherwise the model was only not made for it."""


def room(config: Mapping[str, Any], padding: int | None = None) -> Room | None:
    """The room of a transformers configuration; None where it has no end, or none is known.

    `padding`: id of the padding where the configuration does not say it.
    """
    kind = config.get("model_type")
    biased = config.get("position_biased_input", True)
    if kind in _RELATIVE or (kind in ("deberta", "deberta-v2") and not biased):
        return None
    sizes = (config.get(name) for name in _SIZES)
    size = next((one for one in sizes if isinstance(one, int) and one > 0), None)
    if size is None and kind in (*_AFTER_PADDING, *_BERTS):
        size = _DEFAULT_POSITIONS
    if size is None:
        return None
    if _is_endless(config):
        return Room(tokens=size, hard=False)
    if kind in _AFTER_PADDING:
        given = config.get("pad_token_id")
        pad = 1 if kind == "mpnet" else next((p for p in (given, padding) if p is not None), 1)
        return Room(tokens=size - pad - 1, hard=True)
    return Room(tokens=max(1, size - size % _ROUNDED), hard=True)


def _is_endless(config: Mapping[str, Any]) -> bool:
    named = config.get("position_embedding_type")
    rotary = any(config.get(name) for name in ("rope_parameters", "rope_scaling", "rope_theta"))
    return (
        config.get("model_type") in _ENDLESS
        or named in ("rotary", "rope", "alibi")
        or (rotary and named != "absolute")
    )


def model_file(
    model_id: str,
    name: str,
    context: DataContext,
    revision: str = "main",
    *,
    download: bool = True,
) -> dict[str, Any] | None:
    """A JSON file of a model; None where the model has none, or it can't be reached or read.

    Without `download` only a folder or the mirror is looked at: a tokenizer has megabytes.
    """
    if model_id == GENERATOR:
        return None
    try:
        place, at = base_place(model_id, revision, context)
        folder = Path(place)
        if at is not None:
            if not download or name not in hub.HUB.names("model", place, at):
                return None
            folder = hub.HUB.download("model", place, at, [name], None)
        found = json.loads((folder / name).read_bytes())
    except (DataError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def beyond_embeddings(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> tuple[int, int]:
    """How many pieces of a tokenizer's vocabulary, and how many tokens added to it, have an id
    without an embedding.

    `tokenizer`: its `tokenizer.json`. (0, 0) where one of the two does not tell.
    """
    rows, model = config.get("vocab_size"), tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(rows, int) or not isinstance(vocabulary, dict | list):
        return 0, 0
    ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
    added = {one["id"] for one in tokenizer.get("added_tokens") or ()}
    pieces = sum(one >= rows and one not in added for one in ids)
    return pieces, sum(one >= rows for one in added)
