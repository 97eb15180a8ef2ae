"""Formats as values: how a task is learned, as far as that can be said without torch.

A file for each format holds its spec and, where it has any, its options; `FORMATS` maps names to
specs. A new format is one file here, an entry in `FormatName` and in `FORMATS`, a module in
`xstilts/formats/` and its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from xstilts.spec.format_specs.classification import CLASSIFICATION
from xstilts.spec.format_specs.dual_encoder import DUAL_ENCODER
from xstilts.spec.format_specs.format_spec import FormatSpec
from xstilts.spec.format_specs.masked_lm import MASKED_LM
from xstilts.spec.format_specs.mining import MINING
from xstilts.spec.format_specs.multiple_choice import MULTIPLE_CHOICE
from xstilts.spec.format_specs.regression import REGRESSION
from xstilts.spec.format_specs.retrieval import RETRIEVAL
from xstilts.spec.format_specs.span_qa import SPAN_QA
from xstilts.spec.format_specs.tagging import TAGGING

__all__ = ["FORMATS", "FormatName", "FormatSpec"]

FormatName = Literal[
    "classification",
    "regression",
    "multiple_choice",
    "tagging",
    "span_qa",
    "retrieval",
    "mining",
    "dual_encoder",
    "masked_lm",
]

FORMATS: Mapping[FormatName, FormatSpec] = MappingProxyType(
    {
        "classification": CLASSIFICATION,
        "regression": REGRESSION,
        "multiple_choice": MULTIPLE_CHOICE,
        "tagging": TAGGING,
        "span_qa": SPAN_QA,
        "retrieval": RETRIEVAL,
        "mining": MINING,
        "dual_encoder": DUAL_ENCODER,
        "masked_lm": MASKED_LM,
    }
)
"""Every format's spec by name."""
