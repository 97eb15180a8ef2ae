"""The members of a training: who chooses the weights, and at which rates languages are drawn."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest

from tests.support import toy
from tests.training.test_phase import run
from tests.training.test_train_mixtures import loaded, mixture, write_world
from xstilts.errors import PhaseError
from xstilts.formats.encoded import EncodedSplit
from xstilts.sources.context import DataContext
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.sweep import Rates
from xstilts.training import members


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [(("class", "text", "tags"), ["class", "tags"]), (("text",), ["text"]), ((), [])],
)
def test_deciding_members_are_those_that_are_no_masked_lm_where_there_are_others(
    world: Path, tmp_path: Path, kinds: tuple[str, ...], chosen: list[str]
) -> None:
    spec = mixture(world, "class", "text", "tags")
    ready = loaded(spec, tmp_path)
    context = DataContext(cache=str(tmp_path / "data"))
    given = [members.read(toy.task(kind, world / "rows"), ready, spec, context) for kind in kinds]
    assert [task.name for task in members.deciding(given)] == chosen


def test_mixture_with_a_fixed_rate_that_names_no_member_is_an_error(
    world: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        PhaseError, match=r"rates\.fixed names mlm; must name members of the mixture: class, text"
    ):
        run(tmp_path, mixture(world, "class", "text", rates=Rates(fixed={"mlm": 0.2})))


def drawn(spec: PhaseSpec, store: Path) -> dict[str, int]:
    """Blocks of each language over the whole plan of a training on text; a block of two languages
    counts as `both`.
    """
    ready = loaded(spec, store)
    context = DataContext(cache=str(store / "data"))
    given = [members.read(member.task, ready, spec, context) for member in spec.members]
    counts = {"en": 0, "fi": 0, "both": 0}
    for row in members.plan_batches(given, spec).rows_UN.ravel().tolist():
        words = ready.tokenizer.convert_ids_to_tokens(given[0].train.features[row]["input_ids"])
        letters = {word[0] for word in words} & {"w", "x"}
        counts["both" if len(letters) > 1 else "en" if letters == {"w"} else "fi"] += 1
    return counts


def test_language_exponent_draws_languages_at_smoothed_rates(world: Path, tmp_path: Path) -> None:
    # 96 and 24 lines; square roots 2 : 1; of 10 updates of 6 blocks 40 and 20.
    text = toy.task("text", world / "uneven", train_language=("en", "fi"), language_exponent=0.5)
    assert drawn(mixture(world, text, batch_size=6), tmp_path) == {"en": 40, "fi": 20, "both": 0}


def test_language_exponent_of_a_task_in_one_language_changes_nothing(
    world: Path, tmp_path: Path
) -> None:
    plain, smoothed = (toy.task("text", world / "rows", language_exponent=a) for a in (None, 0.3))
    one, two = run(tmp_path, mixture(world, plain)), run(tmp_path, mixture(world, smoothed))
    assert one.curve == two.curve


def test_language_strata_of_a_language_without_a_feature_is_an_error(world: Path) -> None:
    text = toy.task("text", world / "rows", train_language=("en", "fi"), language_exponent=0.5)
    split = EncodedSplit(
        features=datasets.Dataset.from_dict({"row": [0, 0, 1]}),
        rows=datasets.Dataset.from_dict({"language": ["en", "en", "fi"]}),
        lengths=np.array([3, 3, 3]),
        n_items=np.array([1, 1, 1]),
    )
    with pytest.raises(PhaseError, match="the rows in fi have nothing to train on"):
        members.language_strata(text, split)


def test_language_strata_of_a_task_without_an_exponent_are_none(world: Path) -> None:
    text = toy.task("text", world / "rows", train_language=("en", "fi"))
    split = EncodedSplit(
        features=datasets.Dataset.from_dict({"row": [0]}),
        rows=datasets.Dataset.from_dict({"language": ["en"]}),
        lengths=np.array([3]),
        n_items=np.array([1]),
    )
    assert members.language_strata(text, split) is None
