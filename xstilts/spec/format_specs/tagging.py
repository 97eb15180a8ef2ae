"""Tagging: every word of a sentence gets one of the task's labels."""

from __future__ import annotations

from xstilts.spec.format_specs.format_spec import FormatSpec

TAGGING = FormatSpec(
    name="tagging",
    metrics=("chunk_f1", "chunk_f1_merged", "token_accuracy"),
    roles=("tokens", "tags"),
    label_role="tags",
    label_kind="tags",
    open_labels=True,
    text_roles=("tokens",),
    row_roles=("tokens",),
    lone_roles=("tokens",),
    typical_characters=100,
    per_token=True,
)
