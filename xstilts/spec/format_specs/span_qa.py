"""Span QA: the answer to a question is a piece of its context."""

from __future__ import annotations

from pydantic import Field

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import FormatOptions


class SpanQAOptions(FormatOptions):
    """Options of span QA."""

    max_answer_tokens: int = Field(default=30, ge=1)
    """Longest answer."""
    max_question_tokens: int = Field(default=64, ge=8)
    """Longest question; longer ones are cut."""
    n_best: int = Field(default=20, ge=1)
    """Candidates kept for each window."""
    no_answer: bool = False
    """A question may have no answer (SQuAD v2.0); windows without one train on the first token."""


SPAN_QA = FormatSpec(
    name="span_qa",
    metrics=(
        "exact_match",
        "f1",
        "qa_mean",
        "mlqa_exact_match",
        "mlqa_f1",
        "mlqa_mean",
        "segmented_f1",
        "best_exact_match",
        "best_f1",
        "best_qa_mean",
    ),
    options=SpanQAOptions,
    roles=("id", "question", "context", "answers"),
    source_roles=("id",),
    text_roles=("question", "context"),
    row_roles=("question", "context"),
    lone_roles=("context",),
    typical_characters=800,
    windows=True,
    per_token=True,
)
