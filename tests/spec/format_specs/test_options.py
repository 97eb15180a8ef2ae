"""Options: the form that is hashed and stored, and their bounds."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.sweeps import task
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.format_specs.masked_lm import MaskedLMOptions
from xstilts.spec.format_specs.options import FLAT, FormatOptions, stands_at_default
from xstilts.spec.format_specs.span_qa import SpanQAOptions


def test_flat_form_holds_every_name_and_the_formats_own_values() -> None:
    assert FormatOptions().model_dump() == FLAT
    assert SpanQAOptions(n_best=3).model_dump() == {**FLAT, "n_best": 3}


def test_flat_form_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        FLAT["layer"] = 0  # type: ignore[index]


def test_list_from_json_counts_as_the_tuple_it_was() -> None:
    assert stands_at_default("sweep_layers", [])
    assert not stands_at_default("sweep_layers", [1])
    assert not stands_at_default("nothing_such", None)


def test_options_of_a_task_of_another_format_are_a_mistake_of_the_caller() -> None:
    one = task("x")
    assert FORMATS["classification"].options.of(one) is one.options
    with pytest.raises(AssertionError, match="task x: classification has no SpanQAOptions"):
        SpanQAOptions.of(one)


def test_vocabulary_is_scored_at_the_masked_tokens_alone() -> None:
    assert MaskedLMOptions(mask_probability=0.3).vocabulary_share == 0.3
    assert SpanQAOptions().vocabulary_share == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("masked_lm", {"mask_probability": 1.0}),
        ("span_qa", {"max_question_tokens": 7}),
        ("dual_encoder", {"logit_scale": 0}),
        ("mining", {"neighbours": 0}),
        ("retrieval", {"similarity": "euclid"}),
        ("retrieval", {"layer": -2}),
    ],
)
def test_option_out_of_its_bounds_is_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FORMATS[name].options(**options)
