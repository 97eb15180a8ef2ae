"""Retrieval: a sentence finds its translation among the sentences of another language."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import EmbeddingOptions


class RetrievalOptions(EmbeddingOptions):
    """Options of retrieval."""

    similarity: Literal["cosine", "margin"] = "cosine"
    """Nearest by cosine, or by ratio margin (Artetxe and Schwenk 2019, eq. 2)."""
    neighbours: int = Field(default=4, ge=1)
    """k of the margin."""


RETRIEVAL = FormatSpec(
    name="retrieval",
    metrics=("accuracy",),
    options=RetrievalOptions,
    roles=("source_sentence", "target_sentence"),
    row_roles=("source_sentence", "target_sentence"),
    lone_roles=("source_sentence", "target_sentence"),
    typical_characters=60,
    typical_sequences=2,
    trained=False,
)
