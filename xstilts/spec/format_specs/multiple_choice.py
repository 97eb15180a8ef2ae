"""Multiple choice: which of a row's choices goes on from its context."""

from __future__ import annotations

from xstilts.spec.format_specs.format_spec import FormatSpec

MULTIPLE_CHOICE = FormatSpec(
    name="multiple_choice",
    metrics=("accuracy",),
    roles=("context", "question", "prefix", "choices", "label"),
    optional_roles=("question", "prefix"),
    label_role="label",
    label_kind="choice",
    text_roles=("context", "question", "prefix", "choices"),
    row_roles=("context", "question", "prefix", "choices"),
    lone_roles=("context",),
    typical_characters=150,
    typical_sequences=4,
)
