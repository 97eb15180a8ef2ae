"""Sampling rates, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from xstilts.errors import PhaseError
from xstilts.spec.rates import exact_counts, language_rates, member_rates, unserved
from xstilts.spec.sweep import Rates


def test_rates_proportional_uniform_and_given() -> None:
    assert member_rates([300, 100], "proportional").tolist() == [0.75, 0.25]
    assert member_rates([300, 100], "uniform").tolist() == [0.5, 0.5]
    assert member_rates([3, 3], (3.0, 1.0)).tolist() == [0.75, 0.25]


def test_rates_with_a_cap_count_large_members_as_the_cap() -> None:
    # min(400, 200), min(100, 200), min(200, 200) = 200, 100, 200, of 500.
    assert member_rates([400, 100, 200], Rates(cap=200)).tolist() == [0.4, 0.2, 0.4]


def test_rates_with_a_temperature_of_two_follow_the_square_root() -> None:
    # sqrt(900), sqrt(100) = 30, 10, of 40.
    assert member_rates([900, 100], Rates(temperature=2)) == pytest.approx([0.75, 0.25])


def test_rates_cap_comes_before_the_temperature() -> None:
    # min(10000, 400) = 400 -> 20; 25 -> 5; of 25. The other way round it would be 100 : 5.
    assert member_rates([10_000, 25], Rates(cap=400, temperature=2)) == pytest.approx([0.8, 0.2])


def test_rates_without_cap_and_temperature_are_proportional() -> None:
    assert member_rates([300, 100], Rates()).tolist() == [0.75, 0.25]


def test_rates_fixed_leave_the_rest_to_the_others() -> None:
    # mlm 0.2; of 0.8: min(300, 100) : 100 : min(900, 100) = 1 : 1 : 1 without mlm -> 0.4 each of
    # two.
    rates = Rates(cap=100, fixed={"mlm": 0.2})
    assert member_rates([300, 10**9, 100], rates, ["a", "mlm", "b"]) == pytest.approx(
        [0.4, 0.2, 0.4]
    )


def test_rates_fixed_for_all_members_are_these() -> None:
    rates = Rates(fixed={"b": 0.3, "a": 0.7})
    assert member_rates([5, 500], rates, ["a", "b"]) == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize(
    ("fixed", "says"),
    [
        ({"mml": 0.2}, "names mml; must name members of the mixture: mnli, qqp, mlm"),
        ({"mlm": 1.0}, "1 in all; must be below 1: mnli, qqp share the rest"),
        ({"mlm": 0.6, "qqp": 0.6}, "1.2 in all; must be below 1: mnli share"),
        ({"mlm": 0.2, "qqp": 0.3, "mnli": 0.4}, "0.9 in all; must be 1 in all"),
        ({"mlm": 0.0}, "must be above 0 and at most 1"),
        ({"mlm": -0.1}, "must be above 0"),
        ({"mlm": float("nan")}, "must be above 0"),
    ],
)
def test_rates_fixed_that_do_not_fit_are_an_error(fixed: dict[str, float], says: str) -> None:
    with pytest.raises(PhaseError, match=says):
        member_rates([10, 20, 30], Rates(fixed=fixed), ["mnli", "qqp", "mlm"])


@pytest.mark.parametrize("rates", [(1.0,), (1.0, 0.0), (1.0, -2.0), (1.0, float("nan"))])
def test_rates_given_that_do_not_fit_are_an_error(rates: tuple[float, ...]) -> None:
    with pytest.raises(PhaseError, match="must be one number above 0"):
        member_rates([5, 5], rates)


def test_rates_of_the_nine_with_a_cap_of_two_to_the_17() -> None:
    # Five members reach the cap of 131,072 or 130,319 stays under it; the small ones keep their own
    # size.
    rows = [1_104_934, 392_702, 363_846, 130_319, 87_599, 39_905, 38_015, 25_262, 9_741]
    capped = [131_072, 131_072, 131_072, 130_319, 87_599, 39_905, 38_015, 25_262, 9_741]
    made = member_rates(rows, Rates(cap=2**17))
    assert made == pytest.approx([n / 724_057 for n in capped]) and sum(capped) == 724_057


def test_language_rates_follow_the_power_of_the_rows() -> None:
    # 10000^0.5 : 100^0.5 = 100 : 10.
    assert language_rates([10_000, 100], 0.5) == pytest.approx([100 / 110, 10 / 110])
    assert language_rates([300, 100], 1.0) == pytest.approx([0.75, 0.25])


def test_language_rates_equal_the_papers_in_shares() -> None:
    n, a = np.array([700.0, 250.0, 50.0]), 0.7
    p = n / n.sum()
    assert language_rates([700, 250, 50], a) == pytest.approx(p**a / (p**a).sum())


def test_counts_are_exact_and_the_largest_remainders_go_up() -> None:
    # 7 at 0.5, 0.3, 0.2: 3.5, 2.1, 1.4 -> 3, 2, 1, and the one that is left goes to 3.5.
    assert exact_counts(np.array([0.5, 0.3, 0.2]), 7).tolist() == [4, 2, 1]
    assert exact_counts(np.array([0.5, 0.5]), 3).tolist() == [2, 1]


def test_unserved_members_are_those_without_an_update() -> None:
    # Of 100 updates 392,702 : 10,000 : 634 rows have 97.36, 2.48 and 0.16.
    rows, names = [392_702, 10_000, 634], ["mnli", "csqa", "copa"]
    assert unserved(rows, "proportional", names, 100) == {"copa": pytest.approx(0.157, abs=1e-3)}
    assert unserved(rows, Rates(cap=10_000), names, 100) == {}
    assert unserved(rows, "uniform", names, 2) == {"copa": pytest.approx(2 / 3)}
