"""Work and costs: added, multiplied, never below nothing, and what is said about them."""

from __future__ import annotations

from xstilts.checks.costs.values import Cost, Work

SOME = Work(examples=10, evaluated=4, tokens=100, hours=0.5)


def test_work_is_added_and_multiplied_field_by_field() -> None:
    assert SOME + SOME == SOME.times(2) == Work(examples=20, evaluated=8, tokens=200, hours=1.0)
    assert SOME.times(0) == Work()


def test_work_below_nothing_is_nothing() -> None:
    less = Work(examples=-3, evaluated=2, tokens=-1, hours=-0.1)
    assert less.positive() == Work(evaluated=2)


def test_work_for_json_has_whole_counts_and_four_digits_of_hours() -> None:
    assert Work(examples=10.6, evaluated=0.4, tokens=99.5, hours=1.23456).to_json() == {
        "examples": 11,
        "evaluated": 0,
        "tokens": 100,
        "gpu_hours": 1.235,
    }


def cost(gpu: str = "A100-80GB") -> Cost:
    return Cost(
        gpu=gpu,
        utilisation=0.3,
        by_kind={"target": SOME, "evaluate": SOME.times(3)},
        phases={"target": 1, "evaluate": 3},
        saved=Work(),
        unknown=["size of model m"],
    )


def test_cost_total_is_that_of_all_kinds() -> None:
    assert cost().total == SOME.times(4)


def test_cost_assumptions_name_the_peak_of_a_gpu_without_bf16() -> None:
    assert "A100-80GB at 30% of 312 TFLOPS bf16" in cost().assumptions
    assert "T4 at 30% of 8.1 TFLOPS fp32, since it has no bf16" in cost("T4").assumptions


def test_cost_for_json_counts_phases_and_keeps_what_is_unknown() -> None:
    found = cost().to_json()
    assert found["by_kind"]["evaluate"] == {"phases": 3, **SOME.times(3).to_json()}
    assert found["unknown"] == ["size of model m"]
    assert found["assumptions"] == cost().assumptions
