"""Masked language modelling: pretraining from a configuration, or its continuation."""

from __future__ import annotations

from pydantic import Field

from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.options import FormatOptions


class MaskedLMOptions(FormatOptions):
    """Options of a masked LM."""

    mask_probability: float = Field(default=0.15, gt=0, lt=1)
    """Share of the tokens of a block that are predicted."""

    @property
    def vocabulary_share(self) -> float:
        """The masked share."""
        return self.mask_probability


MASKED_LM = FormatSpec(
    name="masked_lm",
    metrics=("masked_accuracy",),
    options=MaskedLMOptions,
    roles=("text",),
    text_roles=("text",),
    row_roles=("text",),
    lone_roles=("text",),
    typical_characters=300,
    packed=True,
    language_model=True,
    continues_head=True,
    random_inputs=True,
    per_token=True,
    # Logits of 15% of 65,536 tokens over a vocabulary of 250,000 would take 10 GB, twice.
    batch_share=8,
)
