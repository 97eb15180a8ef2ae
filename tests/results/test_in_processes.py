"""One function on several items, in several processes."""

from __future__ import annotations

import os

import pytest

from xstilts.results.in_processes import _shared_out, mapped


def test_mapped_gives_the_results_in_the_order_of_the_items() -> None:
    items = [float(i) for i in range(7)]
    assert mapped(abs, [-i for i in items], weights=items, processes=3) == items


def test_mapped_runs_in_processes_of_their_own() -> None:
    assert mapped(os.path.exists, ["/", "/nowhere"], [1, 1], processes=2) == [True, False]
    own = mapped(eval, ["__import__('os').getpid()"] * 2, [1, 1], processes=2)
    assert os.getpid() not in own
    assert len({*own}) == 2


def test_mapped_with_one_cpu_starts_no_process() -> None:
    assert mapped(eval, ["__import__('os').getpid()"], [1]) == [os.getpid()]


def test_mapped_child_that_prints_does_not_disturb_the_results() -> None:
    code = "(print('noise'), __import__('os').write(1, b'noise'), 3)[2]"
    assert mapped(eval, [code, "4"], [1, 1], processes=2) == [3, 4]


def test_mapped_child_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        mapped(eval, ["1", "1/0"], [1, 1], processes=2)


def test_items_are_shared_out_evenly_heaviest_first() -> None:
    shares = _shared_out([1, 9, 5, 4, 3], 2)
    assert sorted(i for share in shares for i in share) == [0, 1, 2, 3, 4]
    loads = [sum([1, 9, 5, 4, 3][i] for i in share) for share in shares]
    assert max(loads) - min(loads) <= 2
    assert _shared_out([1.0], 4) == [[0]]
