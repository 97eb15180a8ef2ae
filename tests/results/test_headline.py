"""Who is chosen as the best intermediate, by what, and what the average becomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.builders import build_store
from xstilts.results.benchmarks import Benchmark, Part, of_targets
from xstilts.results.compared import Means
from xstilts.results.headline import Ranking, chosen_on_dev, development, ranking, rows
from xstilts.results.moderated import EXAMPLES
from xstilts.results.scores import table
from xstilts.results.statistics import compare
from xstilts.scoring.metrics import Array
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.sweeps import read_sweep

NAN = np.nan


def _task(name: str, format_name: str = "classification") -> Task:
    labels = ("a", "b") if format_name == "classification" else ()
    return Task(
        name=name,
        format=format_name,
        metric="accuracy",
        source=Source(hub=f"t/{name}"),
        labels=labels,
        splits=Splits(train="train", dev="dev", test="test"),
    )


PAIR = Benchmark(
    title="Two", parts=tuple(Part(task=name, metric="accuracy", group="g") for name in ("t", "r"))
)


def _sweep(
    intermediates: tuple[str, ...], seeds: tuple[int, ...], targets: tuple[str, ...] = ("t", "r")
) -> Sweep:
    formats = {"r": "retrieval"}
    tasks = tuple(_task(name, formats.get(name, "classification")) for name in targets)
    return Sweep(
        name="s",
        models=(Model(id="x/m"),),
        intermediates=("none", *intermediates),
        targets=targets,
        seeds=seeds,
        tasks=tasks,
    )


def _means(
    scores: Array, labels: tuple[str, ...], spread: float, rng: np.random.Generator, n: int = 400
) -> Means:
    """Observed scores `(I, S)`, and resampled ones that differ from them by normal noise."""
    drawn = scores[None] + rng.normal(0, spread, (300, *scores.shape))
    return Means(
        labels=labels,
        seeds=tuple(range(scores.shape[1])),
        observed_IS=scores,
        resampled_BIS=drawn,
        n=n,
    )


def _ranking(spread: float = 0.3) -> Ranking:
    rng = np.random.default_rng(0)
    labels = ("none", "a", "b")
    means = {
        "t": _means(np.array([[50.0, 51], [53.0, 54], [55.0, 56]]), labels, spread, rng),
        "r": _means(np.array([[20.0, 20], [26.0, 26], [24.0, 24]]), labels, spread, rng),
    }
    # development scores prefer `a` on t, and r follows
    dev = {
        ("a", "t", 0): 80.0,
        ("a", "t", 1): 82.0,
        ("b", "t", 0): 79.0,
        ("b", "t", 1): 80.0,
        ("none", "t", 0): 99.0,
    }
    found = ranking("m", _sweep(("a", "b"), (0, 1)), PAIR, means, dev)
    assert found is not None
    return found


def test_ranking_choices_scores_and_averages_by_hand() -> None:
    found = _ranking()
    policies = {policy.label: policy for policy in found.policies}
    dev, test = (
        policies["best (chosen on English dev)"],
        policies["best (chosen on test, optimistic)"],
    )
    assert dev.choices == {"t": "a", "r": "a"}
    assert test.choices == {"t": "b", "r": "a"}
    # baseline (50.5 + 20) / 2; on dev (53.5 + 26) / 2; on test (55.5 + 26) / 2
    assert [policies["none"].average.value, dev.average.value, test.average.value] == [
        35.25,
        39.75,
        40.75,
    ]
    assert (dev.gain, test.gain) == (4.5, 5.5)
    assert policies["b"].average.value == (55.5 + 24) / 2
    assert dev.average.label == "Two average"
    assert found.untrained == ("r",)


def test_ranking_the_baseline_is_no_candidate() -> None:
    assert "none" not in {
        label for policy in _ranking().policies[1:] for label in policy.choices.values()
    }


def test_ranking_only_the_honest_rows_are_tested() -> None:
    p = {policy.kind: policy.p_holm for policy in _ranking().policies}
    assert np.isnan([p["baseline"], p["test"]]).all()
    assert p["dev"] < 0.05


def test_ranking_choice_on_test_between_equals_is_luck() -> None:
    # twenty intermediates without any effect; the best of them looks good by chance alone
    rng = np.random.default_rng(1)
    names = tuple(f"i{i:02d}" for i in range(20))
    noise = 1.0
    scores = 50 + rng.normal(0, noise, (21, 1))
    means = {"t": _means(scores, ("none", *names), noise, rng)}
    found = ranking(
        "m", _sweep(names, (0,), ("t",)), PAIR, means, {(name, "t", 0): 60.0 for name in names}
    )
    assert found is not None
    test = found.policy("test")
    assert test is not None
    assert test.optimism > 0.5
    assert test.kept["t"] < 0.9
    assert np.isnan([test.low, test.high, test.p]).all(), (
        "an interval about the largest of noisy numbers holds nothing"
    )


def test_ranking_one_seed_is_not_tested() -> None:
    rng = np.random.default_rng(1)
    means = {"t": _means(np.array([[50.0], [60.0]]), ("none", "a"), 0.1, rng)}
    found = ranking("m", _sweep(("a",), (0,), ("t",)), PAIR, means, {("a", "t", 0): 60.0})
    assert found is not None
    dev = found.policy("dev")
    assert dev is not None
    assert dev.low < 10 < dev.high
    assert dev.interval_over == EXAMPLES
    assert np.isnan([policy.p_holm for policy in found.policies]).all()


def test_ranking_interval_is_wider_where_the_choice_is_not_sure() -> None:
    rng = np.random.default_rng(2)
    scores = np.array([[50.0, 50, 50], [60.0, 60, 60], [52.0, 52, 52]])
    means = {"t": _means(scores, ("none", "a", "b"), 0.1, rng)}
    sweep = _sweep(("a", "b"), (0, 1, 2), ("t",))
    sure = {
        (i, "t", s): v
        for i, values in (("a", (80, 80, 80)), ("b", (70, 70, 70)))
        for s, v in enumerate(values)
    }
    torn = {
        (i, "t", s): v
        for i, values in (("a", (80, 60, 76)), ("b", (70, 72, 70)))
        for s, v in enumerate(values)
    }
    policies = [
        found.policy("dev")
        for dev in (sure, torn)
        if (found := ranking("m", sweep, PAIR, means, dev)) is not None
    ]
    widths = [policy.high - policy.low for policy in policies if policy is not None]
    assert widths[1] > 5 * widths[0]
    assert [round(policy.kept["t"], 2) == 1 for policy in policies if policy is not None] == [
        True,
        False,
    ]


def test_ranking_without_a_trained_target_has_no_honest_choice() -> None:
    rng = np.random.default_rng(0)
    means = {"r": _means(np.array([[20.0], [26.0]]), ("none", "a"), 0.3, rng)}
    found = ranking("m", _sweep(("a",), (0,), ("r",)), PAIR, means, {})
    assert found is not None
    assert found.policy("dev") is None
    assert found.policy("test") is not None


def test_ranking_intermediate_without_a_task_has_no_average_gain() -> None:
    rng = np.random.default_rng(0)
    means = {
        "t": _means(np.array([[50.0], [53.0], [NAN]]), ("none", "a", "b"), 0.3, rng),
        "r": _means(np.array([[20.0], [26.0], [24.0]]), ("none", "a", "b"), 0.3, rng),
    }
    found = ranking(
        "m", _sweep(("a", "b"), (0,)), PAIR, means, {("a", "t", 0): 1.0, ("b", "t", 0): 2.0}
    )
    assert found is not None
    policies = {policy.label: policy for policy in found.policies}
    assert np.isnan(policies["b"].gain)
    assert policies["b"].choices == {"r": "b"}
    assert found.policies[1].choices["t"] == "a"  # b's target training has no score


def test_ranking_of_a_store_agrees_with_its_gains(tmp_path: Path) -> None:
    store, folder = build_store(tmp_path, intermediates=("none", "skill", "noise"), examples=80)
    scores, sweep = table(store, folder), read_sweep(folder)
    compared = compare(scores, store, resamples=100)
    dev = development(store, scores)["base"]
    # the builder gives final trainings dev + 1 + seed / 10 with dev = 60 + 8 * effect
    assert dev["skill", "pairs", 2] == pytest.approx(60 + 8 * 0.9 + 1.2)
    means = {target: one for (_, target), one in compared.means.items()}
    found = ranking("base", sweep, of_targets(sweep.targets), means, dev)
    assert found is not None
    assert chosen_on_dev(sweep, scores, "base", dev) == dict.fromkeys(sweep.targets, "skill")
    for row in rows(found, compared.gains):
        assert row["dev"]["intermediate"] == "skill"
        policy = found.policy("dev")
        assert policy is not None
        assert policy.scores[row["target"]] == pytest.approx(row["dev"]["score"])
        assert policy.kept[row["target"]] == 1
