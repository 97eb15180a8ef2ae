"""What slots need, as values."""

from __future__ import annotations

from xstilts.planning.needs import BASE, Base, Chosen, Filled, first_slot


def test_needs_are_equal_by_value_and_serve_as_keys() -> None:
    waiting = {Filled("a/t0"): 1, Chosen("a"): 2, BASE: 3}
    assert [waiting[one] for one in (Filled("a/t0"), Chosen("a"), Base())] == [1, 2, 3]
    assert Filled("a") != Chosen("a")


def test_first_slot_of_a_study_is_its_first_trial_and_of_a_base_model_none() -> None:
    assert [first_slot(one) for one in (BASE, Filled("a/s2"), Chosen("a"))] == ["", "a/s2", "a/t0"]


def test_needs_read_as_the_name_of_what_is_needed() -> None:
    assert f"it needs {Chosen('m/squad')}" == "it needs m/squad"
