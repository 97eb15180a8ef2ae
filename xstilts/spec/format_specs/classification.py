"""Classification: a text, or a pair of texts, gets one of the task's labels."""

from __future__ import annotations

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import FormatOptions


class ClassificationOptions(FormatOptions):
    """Options of a classification."""

    positive_label: str | None = None
    """The label that F1 is computed for; left out: the last label."""


CLASSIFICATION = FormatSpec(
    name="classification",
    metrics=("accuracy", "binary_f1", "accuracy_f1", "matthews"),
    options=ClassificationOptions,
    roles=("text", "text_pair", "label"),
    optional_roles=("text_pair",),
    label_role="label",
    label_kind="class",
    text_roles=("text", "text_pair"),
    row_roles=("text", "text_pair"),
    lone_roles=("text",),
    typical_characters=150,
)
