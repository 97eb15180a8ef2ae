"""Groups of tasks, their mean gains, and the contrasts between them, in worlds of known gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from xstilts.results.benchmarks import XTREME_R
from xstilts.results.compared import Examples
from xstilts.results.contrasts import matches
from xstilts.results.cube import cube
from xstilts.results.groups import groups
from xstilts.results.kinds import MIXTURE, data_kind, of_intermediate, size_class, teaches
from xstilts.spec.sweep import Mixture, Model, Sweep
from xstilts.spec.task import Limits, Pseudo, Source, Splits, Task, Transform, Translate
from xstilts.tasks import TASKS

LANGUAGES = ("en", "de", "sw", "zh")


def _task(name: str, words: tuple[str, ...], **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "name": name,
        "format": "classification",
        "metric": "accuracy",
        "labels": ("a", "b"),
        "groups": words,
        "source": Source(hub=f"t/{name}"),
        "splits": Splits(train="train", dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


SYN, SEM = ("syntactic", "size:small"), ("semantic", "size:small")
INTERMEDIATES = {
    name: _task(name, words)
    for name, words in (("s1", SYN), ("s2", SYN), ("m1", SEM), ("m2", ("semantic", "size:large")))
}
TARGETS = {
    name: _task(name, words)
    for name, words in (("ts1", SYN), ("ts2", SYN), ("tm1", SEM), ("tm2", SEM))
}


def _sweep(*extra: Any) -> Sweep:
    tasks = (*INTERMEDIATES.values(), *TARGETS.values())
    return Sweep(
        name="s",
        models=(Model(id="x/m"),),
        intermediates=("none", *INTERMEDIATES, *extra),
        targets=tuple(TARGETS),
        seeds=(1, 2, 3),
        tasks=tasks,
    )


def _table(
    gain: Mapping[tuple[str, str], float],
    seeds: int = 3,
    same: tuple[tuple[str, str], ...] = (),
    noise: float = 0.5,
) -> pd.DataFrame:
    """A scores table whose pairs have these gains, with noise between languages and seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for (intermediate, target), mean in gain.items():
        of_language, of_seed = rng.normal(0, noise, len(LANGUAGES)), rng.normal(0, noise / 2, seeds)
        for s in range(seeds):
            for k, language in enumerate(LANGUAGES):
                value = mean + of_language[k] - of_language.mean() + of_seed[s] - of_seed.mean()
                rows.append(
                    {
                        "model": "m",
                        "intermediate": intermediate,
                        "target": target,
                        "seed": s + 1,
                        "language": language,
                        "primary": True,
                        "gain": value,
                        "zero_shot": language != "en",
                        "same_data": (intermediate, target) in same,
                    }
                )
    return pd.DataFrame(rows)


def _gains(interaction: float = 0.0, harm: float = 0.0) -> dict[tuple[str, str], float]:
    """Additive gains of the tasks, `interaction` in all, and `harm` for syntactic intermediates."""
    own = {
        "s1": 1.0,
        "s2": 3.0,
        "m1": 2.0,
        "m2": 6.0,
        "ts1": 0.0,
        "ts2": 2.0,
        "tm1": -1.0,
        "tm2": 1.0,
    }
    signs = {name: (0.5 if name.lstrip("t").startswith("s") else -0.5) for name in own}
    return {
        (i, t): own[i] + own[t] + interaction * signs[i] * signs[t] - harm * (signs[i] > 0)
        for i in INTERMEDIATES
        for t in TARGETS
    }


def _contrast(found: Any, **wanted: str) -> dict[str, Any]:
    (one,) = (c for c in found.contrasts if all(c[key] == value for key, value in wanted.items()))
    return one


# -- what a task is


def test_teaches_built_in_tasks_have_their_kind() -> None:
    kinds = {
        name: teaches(TASKS[name])
        for name in ("udpos", "cola", "xnli", "panx", "squad", "mlm", "paws")
    }
    assert kinds == {
        "udpos": "syntactic",
        "cola": "syntactic",
        "xnli": "semantic",
        "panx": "mixed",
        "squad": "semantic",
        "mlm": "language modelling",
        "paws": "mixed",
    }
    assert teaches(_task("x", ("poetry", "size:small"))) == "poetry"
    assert teaches(_task("x", ())) == "other"


@pytest.mark.parametrize(
    ("words", "limit", "expected"),
    [
        (("size:large",), None, "large"),
        (("size:large",), 2_490, "small"),
        (("size:large",), 10_000, "medium"),
        (("size:small",), 50_000, "small"),
        ((), 100_000, "medium"),
        ((), 500_000, "large"),
        ((), None, "other"),
    ],
)
def test_size_class_a_limit_counts(
    words: tuple[str, ...], limit: int | None, expected: str
) -> None:
    assert size_class(_task("x", words, limits=Limits(train=limit))) == expected


def test_data_kind_follows_the_transform() -> None:
    translate = Transform(translate=Translate(model="m", languages=("de",)), share=0.5)
    assert data_kind(_task("x", ())) == "original"
    assert data_kind(_task("x", (), transform=translate)) == "translated, in part"
    pseudo = _task("x", (), transform=Transform(pseudo=Pseudo()))
    assert data_kind(pseudo) == "invented words"
    assert (
        data_kind(_task("u", (), source=Source(union=True), parts=(pseudo, pseudo)))
        == "invented words"
    )
    assert (
        data_kind(_task("u", (), source=Source(union=True), parts=(pseudo, _task("y", ()))))
        == MIXTURE
    )


def test_of_intermediate_mixture_of_one_kind_is_of_it_and_else_a_mixture() -> None:
    sweep = _sweep(Mixture(mixture=("s1", "s2")), Mixture(mixture=("s1", "m1"), name="both"))
    assert of_intermediate(sweep, "s1+s2", teaches) == "syntactic"
    assert of_intermediate(sweep, "both", teaches) == MIXTURE
    assert of_intermediate(sweep, "both", size_class) == "small"


def test_matches_same_format_and_size_other_kind() -> None:
    taught = {"s1": "syntactic", "m1": "semantic", "m2": "semantic", "mlm": "language modelling"}
    formats = dict.fromkeys(taught, "tagging")
    sizes = {"s1": "small", "m1": "small", "m2": "large", "mlm": "small"}
    data = dict.fromkeys(taught, "original")
    assert list(matches(taught, formats, sizes, data)) == [("s1", "m1")]


def test_matches_arms_of_another_kind_of_data_are_not_matched() -> None:
    taught = {"s1": "syntactic", "s1_de": "syntactic", "m1": "semantic", "m1_de": "semantic"}
    alike = dict.fromkeys(taught, "tagging"), dict.fromkeys(taught, "small")
    data = {name: "translated" if name.endswith("_de") else "original" for name in taught}
    assert list(matches(taught, *alike, data)) == [("s1", "m1"), ("s1_de", "m1_de")]
    assert list(matches(taught, *alike, dict.fromkeys(taught, MIXTURE))) == []


def test_groups_matched_leaves_out_translated_arms_of_original_ones() -> None:
    translated = INTERMEDIATES["m1"].model_copy(
        update={"transform": Transform(translate=Translate(model="m", languages=("de",)))}
    )
    tasks = {**INTERMEDIATES, "m1": translated}
    sweep = _sweep().model_copy(update={"tasks": (*tasks.values(), *TARGETS.values())})
    found = groups("m", _table(_gains()), sweep, XTREME_R, resamples=50)
    assert found is not None
    assert found.matched == ()
    assert {one["kind"] for one in found.contrasts} == {"all"}


# -- the numbers


def test_cube_has_a_place_for_every_pair_seed_and_language() -> None:
    whole = cube(_table(_gains()))
    assert whole.gains_QSL.shape == (16, 3, 4)
    assert not np.isnan(whole.gains_QSL).any()


def test_groups_means_are_those_of_the_pairs() -> None:
    found = groups("m", _table(_gains(), noise=0.0), _sweep(), XTREME_R, resamples=50)
    assert found is not None
    kinds = found.tables[0]
    assert (kinds["title"], kinds["across"]) == ("what is taught", "what is tested")
    # s1 and s2 on ts1 and ts2: (1 + 3) / 2 + (0 + 2) / 2 = 3; m1 and m2 on tm1 and tm2: 4 + 0 = 4
    assert kinds["cells"]["syntactic", "syntactic"]["gain"] == pytest.approx(3)
    assert kinds["cells"]["semantic", "semantic"]["gain"] == pytest.approx(4)
    assert kinds["cells"]["semantic", "semantic"]["pairs"] == 4


def test_groups_known_interaction_is_found_and_main_effects_are_not_it() -> None:
    found = groups(
        "m", _table(_gains(interaction=4.0, harm=10.0)), _sweep(), XTREME_R, resamples=500
    )
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(4.0)  # (A,C) - (A,D) - (B,C) + (B,D) = 1 + 1 + 1 + 1
    assert one["p_holm"] < 0.01
    assert one["low"] < 4 < one["high"]
    assert (one["pairs"], one["with_same"]) == (16, None)


def test_groups_no_interaction_is_not_claimed() -> None:
    found = groups("m", _table(_gains(harm=10.0)), _sweep(), XTREME_R, resamples=500)
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert one["p_holm"] > 0.5


def test_groups_same_data_is_left_out_and_shown_beside() -> None:
    gains = _gains()
    gains["s1", "ts1"] += 20  # its own training data again: no transfer
    found = groups("m", _table(gains, same=(("s1", "ts1"),)), _sweep(), XTREME_R, resamples=100)
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert one["with_same"] == pytest.approx(5)  # 20 points in one of the four pairs of a cell
    assert found.left_out == (("s1", "ts1"),)


def test_groups_matched_compares_pairs_of_one_format_and_size() -> None:
    found = groups("m", _table(_gains()), _sweep(), XTREME_R, resamples=100)
    assert found is not None
    # m2 is large, so s1 and s2 are matched with m1 alone: ((1 - 2) + (3 - 2)) / 2 = 0, where all
    # pairs give 2 - 4 = -2
    assert {(a, b) for a, b, _ in found.matched} == {("s1", "m1"), ("s2", "m1")}
    one = _contrast(found, kind="matched", over="syntactic", under="")
    assert (one["first"], one["second"]) == ("syntactic", "semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert _contrast(found, kind="matched", over="syntactic", under="semantic")[
        "gain"
    ] == pytest.approx(0, abs=1e-9)


def test_groups_holm_counts_every_contrast_that_is_shown() -> None:
    found = groups("m", _table(_gains(interaction=2.0)), _sweep(), XTREME_R, resamples=200)
    assert found is not None
    smallest = min(c["p"] for c in found.contrasts)
    assert (
        len(found.contrasts) == 4
    )  # an interaction of all; matched: a difference for each kind of targets, an interaction
    assert min(c["p_holm"] for c in found.contrasts) == pytest.approx(min(1, 4 * smallest))


def test_groups_structured_targets_stand_against_all_others() -> None:
    names = {"ts1": "udpos_r", "ts2": "panx_r", "tm1": "xnli", "tm2": "tatoeba_r"}
    targets = [TASKS[name].model_copy(update={"languages": LANGUAGES}) for name in names.values()]
    sweep = _sweep().model_copy(
        update={"targets": tuple(names.values()), "tasks": (*INTERMEDIATES.values(), *targets)}
    )
    table = _table({(i, names[t]): gain for (i, t), gain in _gains(interaction=4.0).items()})
    found = groups("m", table, sweep, XTREME_R, resamples=50)
    assert found is not None
    one = _contrast(found, kind="all", over="structured")
    assert (one["under"], one["pairs"]) == ("all other", 16)
    assert one["gain"] == pytest.approx(4)
    assert _contrast(found, kind="matched", over="structured")["pairs"] == 12


def test_groups_one_seed_knows_languages_alone() -> None:
    found = groups("m", _table(_gains(interaction=4.0), seeds=1), _sweep(), XTREME_R, resamples=200)
    assert found is not None
    assert found.seeds == 1
    assert np.isnan([one["p"] for one in found.contrasts]).all(), (
        "what seeds would change is not known"
    )
    assert _contrast(found, kind="all", over="syntactic", under="semantic")["df"] == pytest.approx(
        3
    )


def test_cube_examples_stand_at_their_pair_and_language() -> None:
    table = _table(_gains())
    rows = table[table["target"] == "ts1"]
    labels, languages = (tuple(dict.fromkeys(rows[name])) for name in ("intermediate", "language"))
    drawn = np.arange(2 * len(labels) * len(languages), dtype=np.float32).reshape(
        2, len(labels), len(languages)
    )
    whole = cube(
        rows, {"ts1": Examples(labels=labels, languages=languages[::-1], drawn_BIL=drawn, n=7)}
    )
    assert whole.examples_BQL is not None
    assert whole.n_Q is not None
    pair = whole.pairs.index((labels[-1], "ts1"))
    at = whole.languages.index(languages[0])
    assert whole.examples_BQL[1, pair, at] == drawn[1, -1, -1]
    assert whole.n_Q.tolist() == [7] * len(whole.pairs)


def test_groups_alike_intermediates_have_no_section() -> None:
    table = _table({pair: gain for pair, gain in _gains().items() if pair[0] in ("s1", "s2")})
    assert groups("m", table, _sweep(), XTREME_R, resamples=20) is None
