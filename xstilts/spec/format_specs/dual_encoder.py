"""Dual encoder: a query finds its candidates in a pool of all languages."""

from __future__ import annotations

from pydantic import Field

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import FormatOptions


class DualEncoderOptions(FormatOptions):
    """Options of a dual encoder."""

    cut_off: int = Field(default=20, ge=1)
    """Number of ranks that count (mAP@20)."""
    logit_scale: float = Field(default=100.0, gt=0)
    """Initial factor of the cosines before the softmax over the batch; it is learned."""
    max_question_tokens: int = Field(default=64, ge=8)
    """Longest query; longer ones are cut."""


DUAL_ENCODER = FormatSpec(
    name="dual_encoder",
    metrics=("map_at_k", "mrr_at_k"),
    options=DualEncoderOptions,
    roles=("query", "candidate", "candidate_pair", "key"),
    source_roles=("candidate_pair",),
    either_role=("query", "candidate"),
    from_questions=True,
    text_roles=("query", "candidate", "candidate_pair"),
    row_roles=("query", "candidate", "candidate_pair"),
    lone_roles=("candidate_pair", "candidate"),
    typical_characters=480,
    typical_sequences=2,
    head_options=("logit_scale",),
    whole_batches=True,
    pooled=True,
)
