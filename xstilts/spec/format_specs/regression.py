"""Regression: a text, or a pair of texts, gets a number."""

from __future__ import annotations

from xstilts.spec.format_specs.format_spec import FormatSpec

REGRESSION = FormatSpec(
    name="regression",
    metrics=("pearson", "spearman", "correlation"),
    roles=("text", "text_pair", "label"),
    optional_roles=("text_pair",),
    label_role="label",
    label_kind="number",
    text_roles=("text", "text_pair"),
    row_roles=("text", "text_pair"),
    lone_roles=("text",),
    typical_characters=120,
)
