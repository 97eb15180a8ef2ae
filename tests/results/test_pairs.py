"""A pair by its name, and which evaluation stands for it."""

from __future__ import annotations

import pytest

from tests.support.builders import build_store
from xstilts.errors import InputError, PhaseError, StoreError
from xstilts.results.pairs import Pair, evaluation, parse
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.sweeps import read_sweep

World = tuple[Sweep, list[Entry]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    _, folder = build_store(
        tmp_path_factory.mktemp("store"),
        intermediates=("none", "skill", "broken"),
        targets=("tags", "pairs"),
        languages=("en",),
        examples=20,
    )
    return read_sweep(folder), Ledger(folder).entries()


@pytest.mark.parametrize("text", ["skill→tags", "skill->tags", "skill/tags", " skill / tags "])
def test_pair_is_read_however_its_arrow_is_written(text: str, world: World) -> None:
    assert parse(text, world[0]) == Pair(intermediate="skill", target="tags")
    assert str(parse(text, world[0])) == "skill→tags"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tags", '"tags" is no pair; must be INTERMEDIATE/TARGET, as none/tags'),
        ("skill-", "the shell has read > as its own sign, so quote the pair or write it with /"),
        ("skil/tags", '"skil" is no intermediate of sweep test-sweep; nearest: skill'),
        ("skill/tag", '"tag" is no target of sweep test-sweep; nearest: tags'),
        ("/tags", '"" is no intermediate of sweep test-sweep; there are: broken, none, skill'),
    ],
)
def test_what_is_no_pair_of_the_sweep_is_refused(text: str, said: str, world: World) -> None:
    with pytest.raises(InputError, match=said):
        parse(text, world[0])


def test_evaluation_is_of_the_first_seed_unless_one_is_named(world: World) -> None:
    sweep, entries = world
    pair = Pair(intermediate="skill", target="tags")
    assert evaluation(pair, sweep, entries, model=None, seed=None).seed == 1
    found = evaluation(pair, sweep, entries, model="base", seed=2)
    assert (found.kind, found.role, found.seed) == ("evaluate", "final", 2)
    assert found.train_phase and found.intermediate_phase


def test_model_or_seed_that_the_sweep_has_not_is_refused(world: World) -> None:
    pair = Pair(intermediate="skill", target="tags")
    with pytest.raises(InputError, match="--seed is 7, which the sweep has not; there are: 1, 2"):
        evaluation(pair, *world, model=None, seed=7)
    with pytest.raises(InputError, match="--model is bass, which the sweep has not; nearest: base"):
        evaluation(pair, *world, model="bass", seed=None)


def test_pair_that_failed_says_why(world: World) -> None:
    pair = Pair(intermediate="broken", target="tags")
    with pytest.raises(PhaseError, match=r"broken→tags of base has no scores: .*failed: CUDA out"):
        evaluation(pair, *world, model=None, seed=None)


def test_pair_without_scores_names_what_there_is_or_what_to_do(world: World) -> None:
    sweep, entries = world
    pair = Pair(intermediate="skill", target="tags")
    with pytest.raises(StoreError, match=r"has no scores yet; `xstilts run` makes them"):
        evaluation(pair, sweep, [], model=None, seed=None)
    first = [entry for entry in entries if entry.seed != 2]
    with pytest.raises(InputError, match="seed 2 has no scores; those of seed 1 are there"):
        evaluation(pair, sweep, first, model=None, seed=2)
    later = [entry for entry in entries if entry.seed != 1]
    assert evaluation(pair, sweep, later, model=None, seed=None).seed == 2
