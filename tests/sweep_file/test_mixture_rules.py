"""Mixtures of a sweep file: their names, and rates that fit their members."""

from __future__ import annotations

import pytest

from tests.support.sweep_texts import GOOD, only
from xstilts.sweep_file import loads


def test_loads_long_mixture_of_short_names_asks_for_a_name() -> None:
    tasks = "".join(
        f"  {'t' * 30}{i}: {{format: masked_lm, source: {{files: [a]}}, metric: masked_accuracy, "
        "splits: {train: a, dev: b}}\n"
        for i in range(3)
    )
    members = ", ".join(f"{'t' * 30}{i}" for i in range(3))
    head = (
        f"name: x\nmodels: [a]\nintermediates: [none, {{mixture: [{members}]}}]\ntargets: "
        "[tatoeba]\n"
    )
    assert "its name would be 95 characters long" in only(f"{head}tasks:\n{tasks}")[1]


def test_loads_rates_that_only_rounding_keeps_from_one_are_whole() -> None:
    # 0.6 + 0.3 + 0.1 is 0.9999999999999999 in floating point
    rates = "{fixed: {squad: 0.6, mnli: 0.3, qqp: 0.1}}"
    loads(GOOD.replace("[none, squad]", f"[none, {{mixture: [squad, mnli, qqp], rates: {rates}}}]"))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ("{fixed: {mnli: 20}}", "20 together; must be below 1: squad share the rest"),
        ("{fixed: {mnli: 1}}", "1 together; must be below 1: squad share the rest"),
        ("{fixed: {mnli: 0.5, squad: 0.4}}", "0.9 together; must be 1 where every member is named"),
        ("{fixed: {mnli: 0}}", "each must be a share above 0"),
        ("{fixed: {mlm: 0.2}}", 'has "mlm", which is not in the mixture'),
        ("{temperature: 0.5}", "temperature is 0.5; must be a number, 1 or more"),
        ("{squad: 0.2}", 'no key "squad"; there are: cap, fixed, temperature'),
    ],
)
def test_loads_rates_that_do_not_fit_are_said_once(rates: str, words: str) -> None:
    _, message = only(
        GOOD.replace("[none, squad]", f"[none, {{mixture: [squad, mnli], rates: {rates}}}]")
    )
    assert words in message
