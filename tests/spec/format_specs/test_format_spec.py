"""What is known of each format without torch."""

from __future__ import annotations

import pytest

from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs import FORMATS


def test_format_metrics_are_known() -> None:
    for name, spec in FORMATS.items():
        assert set(spec.metrics) <= set(METRICS), name


def test_labelled_formats_have_one_output_a_label() -> None:
    assert {name for name, spec in FORMATS.items() if spec.labelled} == {
        "classification",
        "tagging",
    }


def test_foreign_options_are_those_of_no_format_and_those_of_others_off_their_default() -> None:
    given = {"n_best": 3, "neighbours": 4, "nothing_such": 1}
    assert FORMATS["classification"].foreign(given) == ["n_best", "nothing_such"]
    assert FORMATS["span_qa"].foreign(given) == ["nothing_such"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("span_qa", "layer is no option of span_qa; it reads max_answer_tokens, "),
        ("tagging", "layer is no option of tagging; it reads none"),
    ],
)
def test_option_that_a_format_lacks_is_told_with_those_it_has(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        FORMATS[name].read_options({"layer": 3})
