"""The batch plan: complete, deterministic, alike in length, and independent of the workers."""

from __future__ import annotations

import numpy as np
import pytest

from xstilts.batches import Plan, Rows, mixture_rates, plan, subseed
from xstilts.errors import PhaseError


def source(n: int, seed: int = 0) -> Rows:
    lengths = np.random.default_rng(seed).integers(5, 128, n)
    return Rows(lengths=lengths, n_items=np.arange(n) % 3, n_rows=n)


def padded_share(made: Plan, lengths: np.ndarray) -> float:
    longest = lengths[made.rows_UN].max(axis=1) * made.rows_UN.shape[1]
    return 1 - made.tokens_U.sum() / longest.sum()


def test_plan_same_seed_gives_the_same_rows() -> None:
    one, two = (plan([source(100)], seed=3, steps=40, batch_size=8) for _ in range(2))
    assert (one.rows_UN == two.rows_UN).all()
    assert (one.rows_UN != plan([source(100)], seed=4, steps=40, batch_size=8).rows_UN).any()


def test_plan_of_one_epoch_takes_each_row_once() -> None:
    made = plan([source(96)], seed=1, steps=12, batch_size=8)
    assert sorted(made.rows_UN.ravel()) == list(range(96))


def test_plan_of_many_epochs_takes_rows_equally_often() -> None:
    made = plan([source(10)], seed=1, steps=100, batch_size=7)
    counts = np.bincount(made.rows_UN.ravel(), minlength=10)
    assert counts.max() - counts.min() <= 1 and counts.sum() == 700


def test_plan_with_fewer_rows_than_a_batch_repeats_them() -> None:
    made = plan([source(3)], seed=1, steps=4, batch_size=8)
    assert made.rows_UN.shape == (4, 8) and set(made.rows_UN.ravel()) == {0, 1, 2}


def test_plan_counts_items_and_tokens_of_each_update() -> None:
    given = source(50)
    made = plan([given], seed=1, steps=9, batch_size=4)
    assert (made.n_items_U == [given.n_items[rows].sum() for rows in made.rows_UN]).all()
    assert (made.tokens_U == [given.lengths[rows].sum() for rows in made.rows_UN]).all()


def test_plan_batches_hold_rows_of_like_length() -> None:
    given = source(4000)
    assert padded_share(plan([given], seed=1, steps=200, batch_size=16), given.lengths) < 0.1


def test_plan_order_of_batches_is_random_in_length() -> None:
    given = source(4000)
    made = plan([given], seed=1, steps=200, batch_size=16)
    means = given.lengths[made.rows_UN].mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(200))[0, 1]) < 0.2


@pytest.mark.parametrize(("world", "accumulation"), [(1, 1), (2, 1), (3, 2), (4, 3), (1, 20)])
def test_slices_of_all_workers_are_the_global_batch(world: int, accumulation: int) -> None:
    made = plan([source(40)], seed=1, steps=3, batch_size=10)
    slices = made.slices(1, world, accumulation)
    taken = sorted(row for rank in slices for first, end in rank for row in range(first, end))
    assert taken == list(range(10))
    assert [len(rank) for rank in slices] == [accumulation] * world


def test_mixture_proportional_follows_the_number_of_rows() -> None:
    made = plan([source(300), source(100, 1)], seed=5, steps=40, batch_size=4)
    assert np.bincount(made.member_U).tolist() == [30, 10]
    assert made.rows_UN[made.member_U == 1].max() < 100
    assert made.member_U[:20].tolist() != [0] * 20


def test_mixture_uniform_and_given_rates() -> None:
    made = plan([source(300), source(9)], seed=5, steps=40, batch_size=4, rates="uniform")
    assert np.bincount(made.member_U).tolist() == [20, 20]
    assert mixture_rates([source(3), source(3)], (3.0, 1.0)).tolist() == [0.75, 0.25]


@pytest.mark.parametrize("rates", [(1.0,), (1.0, 0.0), (1.0, -2.0), (1.0, float("nan"))])
def test_mixture_with_rates_that_do_not_fit_is_an_error(rates: tuple[float, ...]) -> None:
    with pytest.raises(PhaseError, match="must be one number above 0"):
        plan([source(5), source(5)], seed=1, steps=2, batch_size=2, rates=rates)


def test_plan_without_rows_is_an_error() -> None:
    with pytest.raises(PhaseError, match="no training rows"):
        plan([source(0)], seed=1, steps=2, batch_size=2)


def test_subseed_depends_on_every_word() -> None:
    assert len({subseed(1, "a"), subseed(2, "a"), subseed(1, "b"), subseed(1, "a", 1), subseed(-1, "a")}) == 5


def test_plan_of_a_long_phase_is_quick_to_read_back() -> None:
    made = plan([source(20_000)], seed=1, steps=5_000, batch_size=32)
    assert len(made) == 5_000 and made.rows_UN.dtype == np.int32
