"""How large an encoder is, from its configuration alone: for estimates, before any weight is read.

A model's `config.json` is read from a folder, the mirror or the hub's cache; a few well-known ids
are built in. No library is imported and nothing is downloaded. The size of any other model is
unknown, and the estimate says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.errors import DataError, StoreError
from xstilts.sources import mirrors
from xstilts.store.inside import inside


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The shape of a transformer encoder."""

    layers: int
    hidden: int
    intermediate: int
    attention: int = 0
    """Width of queries and keys over all heads; 0: as wide as `hidden`."""
    gated: bool = False
    """Whether the feed-forward part has a gate, a third matrix (mT5)."""
    vocabulary: int = 0

    @property
    def width(self) -> int:
        """Width of the attention."""
        return self.attention or self.hidden

    @property
    def parameters(self) -> int:
        """N, the parameters without embeddings, biases and norms: layers x (4 d d_attn + 2 d d_ff).

        Kaplan et al. 2020 (arXiv 2001.08361), equation 2.1; a gate makes it 3 d d_ff.
        """
        matrices = 3 if self.gated else 2
        return self.layers * self.hidden * (4 * self.width + matrices * self.intermediate)


def _mt5(layers: int, hidden: int, intermediate: int, attention: int) -> Encoder:
    return Encoder(
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        attention=attention,
        gated=True,
        vocabulary=250_112,
    )


KNOWN: Mapping[str, Encoder] = {
    "xlm-roberta-base": Encoder(layers=12, hidden=768, intermediate=3072, vocabulary=250_002),
    "xlm-roberta-large": Encoder(layers=24, hidden=1024, intermediate=4096, vocabulary=250_002),
    "xlm-roberta-xl": Encoder(layers=36, hidden=2560, intermediate=10_240, vocabulary=250_880),
    "xlm-roberta-xxl": Encoder(layers=48, hidden=4096, intermediate=16_384, vocabulary=250_880),
    "mdeberta-v3-base": Encoder(layers=12, hidden=768, intermediate=3072, vocabulary=251_000),
    "rembert": Encoder(layers=32, hidden=1152, intermediate=4608, vocabulary=250_300),
    "bert-base-multilingual-cased": Encoder(
        layers=12, hidden=768, intermediate=3072, vocabulary=119_547
    ),
    "mt5-small": _mt5(8, 512, 1024, 384),
    "mt5-base": _mt5(12, 768, 2048, 768),
    "mt5-large": _mt5(24, 1024, 2816, 1024),
    "mt5-xl": _mt5(24, 2048, 5120, 2048),
    "mt5-xxl": _mt5(24, 4096, 10_240, 4096),
}
"""Last part of a hub id to its shape."""


def encoder(model_id: str, *, base: str = ".", mirror: str | None = None) -> Encoder | None:
    """The shape of a model; None if its configuration is not on this machine and it is not one of
    the well-known models.

    Relative folders start from `base`.
    """
    for path in _configurations(model_id, base, mirror):
        try:
            config = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        found = of_config(config) if isinstance(config, dict) else None
        if found is not None:
            return found
    return KNOWN.get(model_id.rstrip("/").split("/")[-1].lower())


def _configurations(model_id: str, base: str, mirror: str | None) -> list[Path]:
    paths = [Path(base, model_id).expanduser() / "config.json"]
    if mirror:
        with suppress(StoreError, DataError):  # a name or a link that leads out of the mirror
            paths.append(inside(mirrors.place(mirror), f"models/{model_id}/config.json"))
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return paths + sorted(
        (cache / f"models--{model_id.replace('/', '--')}").glob("snapshots/*/config.json")
    )


_NAMES: Mapping[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "num_layers", "n_layers", "encoder_layers"),
    "hidden": ("hidden_size", "d_model", "dim", "emb_dim"),
    "intermediate": ("intermediate_size", "d_ff", "hidden_dim", "encoder_ffn_dim"),
    "vocabulary": ("vocab_size", "n_words"),
}
"""Field to its names in different architectures."""


def of_config(config: Mapping[str, Any]) -> Encoder | None:
    """The shape that a transformers configuration describes; None if it does not describe one.

    Fields that a configuration for pretraining leaves out have BERT's defaults: 12 layers, hidden
    size 768, intermediate size 3072.
    """
    found = {
        field: next((config[n] for n in names if n in config), None)
        for field, names in _NAMES.items()
    }
    if any(value is not None and not isinstance(value, int) for value in found.values()):
        return None
    if "model_type" not in config and found["hidden"] is None:
        return None
    hidden = found["hidden"] or 768
    heads, per_head = config.get("num_heads"), config.get("d_kv")
    return Encoder(
        layers=found["layers"] or 12,
        hidden=hidden,
        intermediate=found["intermediate"] or (4 * hidden if found["hidden"] else 3072),
        attention=heads * per_head if isinstance(heads, int) and isinstance(per_head, int) else 0,
        gated=str(config.get("feed_forward_proj", "")).startswith("gated")
        or config.get("model_type") == "modernbert",
        vocabulary=found["vocabulary"] or 0,
    )
