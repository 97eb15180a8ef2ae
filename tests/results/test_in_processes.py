"""One function on several items, in several processes."""

from __future__ import annotations

import os

import pytest

from xstilts.results.in_processes import Processes, heaviest_first

OWN = "__import__('os').getpid()"


def test_mapped_gives_the_results_in_the_order_of_the_items() -> None:
    items = [float(i) for i in range(7)]
    with Processes(3) as processes:
        assert processes.mapped(abs, [-i for i in items], weights=items) == items


def test_mapped_runs_in_processes_of_their_own_which_stay() -> None:
    with Processes(2) as processes:
        assert processes.mapped(os.path.exists, ["/", "/nowhere"], [1, 1]) == [True, False]
        own = {*processes.mapped(eval, [OWN] * 20, [1] * 20)}
        assert {*processes.mapped(eval, [OWN] * 20, [1] * 20)} <= own
    assert os.getpid() not in own and len(own) <= 2
    for child in own:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_mapped_with_one_process_starts_none() -> None:
    with Processes(1) as processes:
        assert not processes.several
        assert processes.mapped(eval, [OWN], [1]) == [os.getpid()]


def test_begun_goes_on_while_the_caller_does_something_else() -> None:
    with Processes(2) as processes:
        first = processes.begun(eval, ["1", "2"], [1, 1])
        second = processes.begun(eval, ["3"], [1])
        assert (second(), first(), first()) == ([3], [1, 2], [1, 2])


def test_heaviest_items_begin_first() -> None:
    assert heaviest_first([1, 9, 5, 9.5, 5]) == [3, 1, 2, 4, 0]


def test_child_that_prints_does_not_disturb_the_results() -> None:
    code = "(print('noise'), __import__('os').write(1, b'noise'), 3)[2]"
    with Processes(2) as processes:
        assert processes.mapped(eval, [code, "4"], [1, 1]) == [3, 4]


def test_child_that_fails_is_an_error_with_what_it_said() -> None:
    with (
        pytest.raises(RuntimeError, match=r"ended with 1: (?s:.*)ZeroDivisionError"),
        Processes(2) as processes,
    ):
        processes.mapped(eval, ["1", "1/0"], [1, 1])


def test_caller_that_fails_does_not_wait_for_what_was_begun() -> None:
    with pytest.raises(KeyError), Processes(2) as processes:
        processes.begun(eval, ["__import__('time').sleep(600)"] * 5, [1] * 5)
        raise KeyError


def test_modules_are_imported_and_those_that_are_not_there_passed_over() -> None:
    with Processes(2, ("colorsys", "no.such.module")) as processes:
        assert processes.mapped(eval, ["'colorsys' in __import__('sys').modules"], [1]) == [True]
