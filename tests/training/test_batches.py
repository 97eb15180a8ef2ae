"""The batch plan: complete, deterministic, alike in length, and independent of the workers."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from xstilts.errors import PhaseError
from xstilts.spec.seeds import subseed
from xstilts.spec.sweep import Rates
from xstilts.training.batches import MemberRows, Strata, chunks, plan_batches


def member(n: int, seed: int = 0) -> MemberRows:
    lengths = np.random.default_rng(seed).integers(5, 128, n)
    return MemberRows(lengths=lengths, n_items=np.arange(n) % 3, n_rows=n)


def test_plan_same_seed_gives_the_same_rows() -> None:
    one, two = (plan_batches([member(100)], seed=3, steps=40, batch_size=8) for _ in range(2))
    assert (one.rows_UN == two.rows_UN).all()
    assert (
        one.rows_UN != plan_batches([member(100)], seed=4, steps=40, batch_size=8).rows_UN
    ).any()


def test_plan_of_one_epoch_takes_each_row_once() -> None:
    made = plan_batches([member(96)], seed=1, steps=12, batch_size=8)
    assert sorted(made.rows_UN.ravel()) == list(range(96))


def test_plan_of_many_epochs_takes_rows_equally_often() -> None:
    made = plan_batches([member(10)], seed=1, steps=100, batch_size=7)
    counts = np.bincount(made.rows_UN.ravel(), minlength=10)
    assert counts.max() - counts.min() <= 1 and counts.sum() == 700


def test_plan_with_fewer_rows_than_a_batch_repeats_them() -> None:
    made = plan_batches([member(3)], seed=1, steps=4, batch_size=8)
    assert made.rows_UN.shape == (4, 8) and set(made.rows_UN.ravel()) == {0, 1, 2}


def test_plan_counts_items_and_tokens_of_each_update() -> None:
    given = member(50)
    made = plan_batches([given], seed=1, steps=9, batch_size=4)
    assert (made.n_items_U == [given.n_items[rows].sum() for rows in made.rows_UN]).all()
    assert (made.tokens_U == [given.lengths[rows].sum() for rows in made.rows_UN]).all()


def test_plan_leaves_the_company_of_a_row_to_chance() -> None:
    given = member(4000)
    made = plan_batches([given], seed=1, steps=200, batch_size=16)
    means = given.lengths[made.rows_UN].mean(axis=1)
    assert means.std() == pytest.approx(given.lengths.std() / 4, rel=0.2)
    assert (np.diff(given.lengths[made.rows_UN], axis=1) <= 0).all()


@pytest.mark.parametrize(("world", "accumulation"), [(1, 1), (2, 1), (3, 2), (4, 3), (1, 20)])
def test_shares_of_all_workers_are_the_global_batch(world: int, accumulation: int) -> None:
    made = plan_batches([member(40)], seed=1, steps=3, batch_size=10)
    shares = made.shares(1, world, accumulation)
    assert sorted(place for rank in shares for micro in rank for place in micro) == list(range(10))
    assert [len(rank) for rank in shares] == [accumulation] * world


def test_shares_of_two_workers_are_about_as_long() -> None:
    given = member(4000)
    made = plan_batches([given], seed=1, steps=50, batch_size=16)
    for update in range(50):
        tokens = [
            given.lengths[made.rows_UN[update, rank[0]]].sum() for rank in made.shares(update, 2, 1)
        ]
        assert max(tokens) < 1.3 * min(tokens)


def cost(lengths: np.ndarray, cuts: list[tuple[int, int]], overhead: int) -> int:
    padded = -(-lengths // 8) * 8
    return sum((end - first) * int(padded[first]) + overhead for first, end in cuts)


@pytest.mark.parametrize("overhead", [0, 20, 10**9])
def test_chunks_cost_as_little_as_any_cut(overhead: int) -> None:
    for seed in range(20):
        lengths = np.sort(np.random.default_rng(seed).integers(1, 60, 7))[::-1]
        made = chunks(lengths, overhead)
        assert [first for first, _ in made] == [0, *(end for _, end in made[:-1])] and made[-1][
            1
        ] == 7
        every = (
            [(a, b) for a, b in pairwise([0, *inner, 7])]
            for n in range(7)
            for inner in combinations(range(1, 7), n)
        )
        assert cost(lengths, made, overhead) == min(cost(lengths, cuts, overhead) for cuts in every)


def test_chunks_of_equal_lengths_are_one() -> None:
    assert chunks(np.full(9, 30), 0) == [(0, 9)] and chunks(np.array([5]), 128) == [(0, 1)]


def test_mixture_proportional_follows_the_number_of_rows() -> None:
    made = plan_batches([member(300), member(100, 1)], seed=5, steps=40, batch_size=4)
    assert np.bincount(made.member_U).tolist() == [30, 10]
    assert made.rows_UN[made.member_U == 1].max() < 100
    assert made.member_U[:20].tolist() != [0] * 20


def test_mixture_uniform_and_given_rates() -> None:
    made = plan_batches([member(300), member(9)], seed=5, steps=40, batch_size=4, rates="uniform")
    assert np.bincount(made.member_U).tolist() == [20, 20]
    made = plan_batches([member(300), member(9)], seed=5, steps=40, batch_size=4, rates=(3.0, 1.0))
    assert np.bincount(made.member_U).tolist() == [30, 10]


def test_mixture_with_a_fixed_rate_gives_it_to_the_member_of_that_name() -> None:
    # mlm 0.2 of 50 updates = 10; of the other 40, by rows min(300, 100) : 100 = 1 : 1.
    members = [member(300), member(100, 1), member(7, 2)]
    rates = Rates(cap=100, fixed={"mlm": 0.2})
    made = plan_batches(
        members, seed=5, steps=50, batch_size=4, rates=rates, names=["one", "two", "mlm"]
    )
    assert np.bincount(made.member_U).tolist() == [20, 20, 10]
    assert made.member_U[-10:].tolist() != [2] * 10


def test_mixture_with_rates_that_do_not_fit_is_an_error() -> None:
    with pytest.raises(PhaseError, match="must be one number above 0"):
        plan_batches([member(5), member(5)], seed=1, steps=2, batch_size=2, rates=(1.0,))


@pytest.mark.parametrize("seed", [3, 4])
def test_plan_without_strata_draws_as_it_always_did(seed: int) -> None:
    # Worked out by the definition: permutations of the rows, one after the other, of the subseed's
    # generator.
    made = plan_batches([member(100)], seed=seed, steps=40, batch_size=8)
    rng = np.random.default_rng(subseed(seed, "rows", 0))
    stream = np.concatenate([rng.permutation(100) for _ in range(4)])[:320].reshape(40, 8)
    assert (np.sort(made.rows_UN, axis=1) == np.sort(stream, axis=1)).all()


def strata(*sizes: int, rates: tuple[float, ...]) -> MemberRows:
    number_F = np.repeat(np.arange(len(sizes)), sizes)
    given = member(len(number_F))
    return MemberRows(
        lengths=given.lengths,
        n_items=given.n_items,
        n_rows=given.n_rows,
        strata=Strata(number_F=number_F, rate_S=np.array(rates)),
    )


def test_strata_are_drawn_exactly_at_their_rates_and_mixed_inside_batches() -> None:
    made = plan_batches([strata(80, 15, 5, rates=(0.5, 0.3, 0.2))], seed=1, steps=20, batch_size=10)
    part_UN = np.searchsorted([80, 95], made.rows_UN, side="right")
    assert np.bincount(part_UN.ravel()).tolist() == [100, 60, 40]
    assert sum(len(set(batch)) > 1 for batch in part_UN) == 20


def test_strata_take_their_rows_equally_often() -> None:
    made = plan_batches([strata(80, 15, 5, rates=(0.5, 0.3, 0.2))], seed=1, steps=20, batch_size=10)
    counts = np.bincount(made.rows_UN.ravel(), minlength=100)
    for part, draws in ((counts[:80], 100), (counts[80:95], 60), (counts[95:], 40)):
        assert part.sum() == draws and part.max() - part.min() <= 1


def test_strata_shares_are_rounded_by_the_largest_remainders() -> None:
    # 10 draws at 0.55, 0.25, 0.2: 5.5, 2.5, 2 -> 5, 2, 2 and one left, which goes to the first of
    # the equal remainders.
    made = plan_batches([strata(9, 9, 9, rates=(0.55, 0.25, 0.2))], seed=1, steps=2, batch_size=5)
    assert np.bincount(made.rows_UN.ravel() // 9).tolist() == [6, 2, 2]


def test_plan_without_rows_is_an_error() -> None:
    with pytest.raises(PhaseError, match="no training rows"):
        plan_batches([member(0)], seed=1, steps=2, batch_size=2)


def test_subseed_depends_on_every_word() -> None:
    assert (
        len(
            {
                subseed(1, "a"),
                subseed(2, "a"),
                subseed(1, "b"),
                subseed(1, "a", 1),
                subseed(-1, "a"),
            }
        )
        == 5
    )


def test_plan_of_a_long_phase_is_quick_to_read_back() -> None:
    made = plan_batches([member(20_000)], seed=1, steps=5_000, batch_size=32)
    assert len(made) == 5_000 and made.rows_UN.dtype == np.int32
