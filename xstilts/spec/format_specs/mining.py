"""Mining: which sentences of two unaligned sets are translations of each other."""

from __future__ import annotations

from pydantic import Field

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import EmbeddingOptions


class MiningOptions(EmbeddingOptions):
    """Options of mining."""

    neighbours: int = Field(default=4, ge=1)
    """k of the margin."""


MINING = FormatSpec(
    name="mining",
    metrics=("mining_f1", "mining_best_f1"),
    options=MiningOptions,
    roles=("source_sentence", "target_sentence", "source_id", "target_id"),
    source_roles=("source_id", "target_id"),
    either_role=("source_sentence", "target_sentence"),
    row_roles=("source_sentence", "target_sentence"),
    lone_roles=("source_sentence", "target_sentence"),
    typical_characters=120,
    typical_sequences=2,
    trained=False,
    tuned=True,
)
