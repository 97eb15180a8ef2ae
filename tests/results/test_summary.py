"""What may be said of a sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.support.builders import build_store, task
from xstilts.results import summary
from xstilts.results.moderated import EXAMPLES, SEEDS
from xstilts.results.scores import table
from xstilts.spec.sweep import Chain, Model, Sweep
from xstilts.store.doubts import Doubt
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.sweeps import read_sweep


def _gains(*rows: tuple[str, float, float], seeds: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": "m",
                "target": "t",
                "metric": "accuracy",
                "intermediate": label,
                "level": "mean",
                "gain": gain,
                "low": gain - 1,
                "high": gain + 1,
                "p_holm": p,
                "baseline": 50.0,
                "score": 50 + gain,
                "same_data": False,
                "seeds": seeds,
                "interval_over": EXAMPLES if seeds == 1 else SEEDS,
            }
            for label, gain, p in rows
        ]
    )


@pytest.mark.parametrize(
    ("gain", "p", "expected"),
    [(2.0, 0.01, "gain"), (-2.0, 0.01, "loss"), (2.0, 0.2, "open"), (2.0, float("nan"), "open")],
)
def test_verdict_needs_significance(gain: float, p: float, expected: str) -> None:
    assert summary.verdict({"gain": gain, "p_holm": p}) == expected


def test_overall_nothing_significant_is_said() -> None:
    assert summary.overall(_gains(("a", 9.0, 0.06), ("b", 1.0, 0.9))).startswith(
        "No pair of 2 differs significantly from its baseline at 5%"
    )


def test_overall_one_seed_says_that_it_is_about_the_examples_alone() -> None:
    text = summary.overall(_gains(("a", 2.0, float("nan")), seeds=1))
    assert text.startswith("Nothing is tested: no pair of 1 has two seeds")
    assert text.endswith("Intervals are over test examples alone.")
    assert "examples" not in summary.overall(_gains(("a", 2.0, 0.01)))


def test_overall_counts_gains_losses_and_the_rest() -> None:
    text = summary.overall(_gains(("a", 9.0, 0.01), ("b", 1.0, 0.9), ("c", -3.0, 0.02)))
    assert "Of 3 pairs, 1 gains significantly, 1 loses significantly" in text


def test_searches_joint_trial_of_two_phases_counts_once() -> None:
    common = {
        "model": "m",
        "intermediate": "a",
        "study": "m/a>t",
        "role": "trial",
        "seed": 1,
        "state": "done",
    }
    entries = [
        Entry(slot="0/i", kind="intermediate", task="a", trial=0, **common),
        Entry(slot="0", kind="target", task="t", target="t,u", trial=0, **common),
        Entry(slot="1/i", kind="intermediate", task="a", trial=1, **{**common, "state": "failed"}),
    ]
    (study,) = summary.searches(entries, {"m/a>t": "0"})
    assert study.counts == {"done": 1, "failed": 1}
    assert study.targets == ("t", "u")
    assert study.chosen == entries[1]


def test_budget_equal_trials_are_fair(tmp_path: Path) -> None:
    _, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=10
    )
    ledger = Ledger(folder)
    fair, text = summary.budget(summary.searches(ledger.entries(), ledger.chosen()))
    assert fair
    assert "2 pairs with 2 trials each, 1 intermediate with 2 trials each" in text


def test_missing_says_why(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "broken"), examples=10
    )
    (found,) = summary.missing(
        read_sweep(folder), Ledger(folder).entries(), table(store, folder), {}
    )
    assert (found.intermediate, found.seeds, found.reason) == ("broken", "0 of 2", "a phase failed")


def test_provenance_sums_hours_and_collects_versions(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none",), seeds=(1,), examples=10
    )
    found = summary.provenance(store, Ledger(folder).entries())
    assert found["phases"] == 4
    assert found["hours"] == pytest.approx((3 * 12 + 1.5) / 3600)
    assert found["versions"]["torch"] == "2.13.0"
    assert found["hosts"] == 1


def test_missing_chain_whose_first_stage_failed_says_that_a_phase_failed() -> None:
    sweep = Sweep(
        name="s",
        models=(Model(id="m"),),
        intermediates=("none", Chain(chain=("a", "b"), name="long")),
        targets=("pairs",),
        tasks=(task("a"), task("b"), task("pairs")),
    )
    common = {"model": "m", "seed": 1}
    entries = [
        Entry(slot="1", kind="intermediate", task="a", intermediate="a", state="failed", **common),
        Entry(
            slot="2",
            kind="evaluate",
            task="pairs",
            intermediate="long",
            target="pairs",
            state="blocked",
            **common,
        ),
    ]
    columns = ["model", "intermediate", "target", "seed"]
    found = summary.missing(sweep, entries, pd.DataFrame(columns=columns), {})
    assert {one.intermediate: one.reason for one in found} == {
        "none": "not run yet",
        "long": "a phase failed",
    }


def test_overall_names_the_pairs_that_do_not_differ() -> None:
    text = summary.overall(_gains(("a", 9.0, 0.01), ("b", 1.0, 0.9)))
    assert "1 does not differ significantly from the baseline" in text


def test_doubts_are_listed_by_task_each_once() -> None:
    doubts = [Doubt(task=task, message=text) for task, text in ("ax", "by", "az", "ax")]
    assert summary.by_task(doubts) == {"a": ["x", "z"], "b": ["y"]}
