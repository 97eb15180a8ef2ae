"""Arms of one task: the differences, and the section of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.results.arm_worlds import GERMAN, arm_sweep, arm_task, arms_of_noise
from tests.support.builders import build_store
from xstilts.results.arm_pairs import pairs
from xstilts.results.arms import section, table
from xstilts.results.benchmarks import Benchmark, Part, of_targets
from xstilts.results.compared import Average, Comparison, Contrast
from xstilts.results.moderated import EXAMPLES, SEEDS
from xstilts.results.report import write
from xstilts.results.scores import table as scores_table
from xstilts.results.statistics import compare
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Ledger, State
from xstilts.store.sweeps import read_sweep

PLAIN = Benchmark(title="", parts=(Part(task="tags", metric="", group="targets"),))


# -- the numbers


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    """A store whose `skill` is said to be `noise` in invented words."""
    store, folder = build_store(
        tmp_path_factory.mktemp("store"),
        targets=("tags", "pairs"),
        examples=120,
        intermediates=("none", "noise", "skill", "scramble"),
    )
    arms_of_noise(folder)
    return store, folder, scores_table(store, folder)


def _compared(
    world: Any, frame: pd.DataFrame | None = None, resamples: int = 300
) -> tuple[Sweep, pd.DataFrame]:
    store, folder, whole = world
    sweep = read_sweep(folder)
    against = [(pair.arm, pair.reference) for pair in pairs(sweep)]
    compared = compare(
        whole if frame is None else frame, store, resamples=resamples, against=against
    )
    return sweep, table(sweep, compared, of_targets(sweep.targets))


def _row(
    found: pd.DataFrame, arm: str, reference: str, target: str, level: str = "mean"
) -> pd.Series:
    at = (found["arm"] == arm) & (found["reference"] == reference)
    (row,) = (
        r for _, r in found[at & (found["target"] == target) & (found["level"] == level)].iterrows()
    )
    return row


def test_compare_against_the_baseline_is_the_gain_itself(world) -> None:
    store, _, frame = world
    found = compare(frame, store, resamples=100, against=[("skill", "none")])
    for one in found.contrasts:
        for level, average in one.averages.items():
            gains = found.gains[
                (found.gains["intermediate"] == "skill") & (found.gains["target"] == one.target)
            ]
            (row,) = gains[gains["level"] == level].to_dict("records")
            pooled = ("low", "high", "se", "df", "p", "p_holm", "seen")
            assert {k: v for k, v in average.row.items() if k not in pooled} == {
                k: v for k, v in row.items() if k not in pooled
            }
            # The spread over seeds is that of the comparisons asked for, one here.
            assert average.row["low"] < row["gain"] < average.row["high"]


def test_table_difference_is_that_of_the_two_scores(world) -> None:
    _, _, frame = world
    _, found = _compared(world)
    by = (
        frame[frame["primary"] & (frame["target"] == "tags")]
        .groupby("intermediate")["value"]
        .mean()
    )
    row = _row(found, "skill", "noise", "tags")
    assert row["kind"] == "transform"
    assert row["gain"] == pytest.approx(by["skill"] - by["noise"])
    assert (row["score"], row["reference_score"]) == pytest.approx((by["skill"], by["noise"]))
    assert row["low"] < row["gain"] < row["high"]
    zero = frame[frame["primary"] & frame["zero_shot"] & (frame["target"] == "tags")]
    by = zero.groupby("intermediate")["value"].mean()
    assert _row(found, "skill", "noise", "tags", "zero_shot")["gain"] == pytest.approx(
        by["skill"] - by["noise"]
    )


def test_table_over_all_targets_is_the_unweighted_mean(world) -> None:
    _, found = _compared(world)
    one = [_row(found, "scramble", "skill", target)["gain"] for target in ("tags", "pairs")]
    whole = _row(found, "scramble", "skill", "")
    assert (whole["kind"], whole["targets"], whole["seeds"]) == ("control", 2, 2)
    assert whole["gain"] == pytest.approx(np.mean(one))
    assert whole["score"] - whole["reference_score"] == pytest.approx(whole["gain"])
    assert whole["high"] < 0


def test_table_holm_is_over_all_of_its_numbers(world) -> None:
    _, found = _compared(world)
    assert (
        len(found) == 3 * (2 + 1) * 2
    )  # skill and scramble against noise, scramble against skill; two levels
    assert found["p_holm"].min() == pytest.approx(min(1, len(found) * found["p"].min()))


def test_table_one_seed_has_intervals_and_no_test(world) -> None:
    _, _, frame = world
    sweep, found = _compared(world, frame[frame["seed"] == 1])
    assert found["p"].isna().all()
    assert found["low"].notna().all()
    assert set(found["interval_over"]) == {EXAMPLES}
    shown = section(
        "base", found, sweep.model_copy(update={"seeds": (1,)}), of_targets(sweep.targets)
    )
    assert shown is not None
    assert shown.sentence == "Nothing is tested: one seed."


def test_table_pairs_seeds_that_both_have(world) -> None:
    _, _, frame = world
    lost = (frame["intermediate"] == "skill") & (frame["target"] == "pairs") & (frame["seed"] == 2)
    _, found = _compared(world, frame[~lost])
    own = frame[frame["primary"] & (frame["seed"] == 1) & (frame["target"] == "pairs")]
    by = own.groupby("intermediate")["value"].mean()
    row = _row(found, "skill", "noise", "pairs")
    assert (row["seeds"], row["gain"]) == (1, pytest.approx(by["skill"] - by["noise"]))
    # what another seed would do is known from the other comparisons
    assert (row["interval_over"], row["p"] > 0) == (SEEDS, True)
    _, whole = _compared(world)
    kept = _row(whole, "skill", "noise", "pairs")
    assert row["high"] - row["low"] > kept["high"] - kept["low"]
    assert _row(found, "skill", "noise", "")["seeds"] == 1  # the seed that both targets have
    assert _row(found, "scramble", "noise", "")["seeds"] == 2


def test_section_missing_pairs_are_said(world) -> None:
    _, _, frame = world
    lost = (frame["intermediate"] == "scramble") & (frame["target"] == "pairs")
    sweep, found = _compared(world, frame[~lost])
    shown = section("base", found, sweep, of_targets(sweep.targets))
    assert shown is not None
    assert [(pair.arm, pair.reference, where) for pair, where in shown.missing] == [
        ("scramble", "noise", "pairs"),
        ("scramble", "skill", "pairs"),
    ]
    assert shown.averages["scramble", "noise"] == "mean of 1 of 2 targets"
    assert shown.average == "mean of 2 targets"
    assert ("scramble", "noise", "") not in shown.cells
    assert section("another", found, sweep, of_targets(sweep.targets)) is None


def test_table_needs_no_baseline(world) -> None:
    _, _, frame = world
    _, whole = _compared(world)
    _, found = _compared(world, frame[frame["intermediate"] != "none"])
    pd.testing.assert_series_equal(
        _row(found, "skill", "noise", "tags"), _row(whole, "skill", "noise", "tags")
    )


def test_table_same_data_of_either_side_is_marked(world) -> None:
    _, _, frame = world
    at = (frame["intermediate"] == "noise") & (frame["target"] == "tags")
    _, found = _compared(world, frame.assign(same_data=at), resamples=20)
    assert _row(found, "skill", "noise", "tags")["same_data"]
    assert not _row(found, "skill", "noise", "pairs")["same_data"]
    assert not _row(found, "scramble", "skill", "tags")["same_data"]
    assert _row(found, "skill", "noise", "")["same_data"]


def _contrast(target: str, score_S: np.ndarray) -> Contrast:
    """`a_de` against `a`, whose score is 50, with test examples that change nothing."""
    reference_S = np.full(len(score_S), 50.0)
    row = {
        "sweep": "s",
        "model": "m",
        "target": target,
        "metric": "accuracy",
        "level": "mean",
        "seeds": len(score_S),
        "baseline": 50.0,
        "score": score_S.mean(),
        "gain": score_S.mean() - 50,
        "low": 0.0,
        "high": 0.0,
        "se": 0.0,
        "df": 1.0,
        "p": 0.5,
        "p_holm": np.nan,
        "n": 100,
        "languages": 2,
        "same_data": False,
    }
    average = Average(
        row=row,
        score_S=score_S,
        reference_S=reference_S,
        drawn_BS=np.broadcast_to(score_S - reference_S, (2000, len(score_S))),
    )
    return Contrast(
        model="m",
        target=target,
        label="a_de",
        reference="a",
        seeds=tuple(range(1, len(score_S) + 1)),
        averages={"mean": average},
    )


def test_table_over_all_targets_a_seed_is_drawn_for_all_of_them() -> None:
    # The seeds' differences are 1, 2, 3 before both targets: the mean over targets is as uncertain
    # as one of them. With 2 degrees of freedom the interval is 4.303 * sd / sqrt(3) = 2.484 wide on
    # either side; were seeds drawn for each target alone, by 1 / sqrt(2) less. There is no other
    # comparison to learn from, so it is close to that of Student's t.
    sweep = arm_sweep((arm_task("a"), arm_task("a_de", "a", transform=GERMAN)))
    same = [_contrast(target, np.array([51.0, 52.0, 53.0])) for target in sweep.targets]
    row = _row(table(sweep, _only(same), PLAIN), "a_de", "a", "")
    assert row["gain"] == pytest.approx(2)
    assert row["high"] - 2 == pytest.approx(4.303 / np.sqrt(3), rel=0.15)
    # where one target's seeds undo the other's, nothing is left of them
    opposed = [
        _contrast("tags", np.array([51.0, 52.0, 53.0])),
        _contrast("pairs", np.array([53.0, 52.0, 51.0])),
    ]
    assert _row(table(sweep, _only(opposed), PLAIN), "a_de", "a", "")["se"] < 1e-3


def _only(contrasts: list[Contrast]) -> Comparison:
    return Comparison(gains=pd.DataFrame(), means={}, examples={}, contrasts=tuple(contrasts))


def test_table_a_whole_benchmark_is_averaged_without_other_targets() -> None:
    own = (arm_task("a"), arm_task("a_de", "a", transform=GERMAN))
    sweep = arm_sweep(
        (*own, arm_task("more")), alone=("a", "a_de"), targets=("tags", "pairs", "more")
    )
    parts = tuple(Part(task=name, metric="accuracy", group="g") for name in ("tags", "pairs"))
    two = Benchmark(title="Two", parts=parts)
    scores = {"tags": 51.0, "pairs": 53.0, "more": 90.0}
    there = [_contrast(name, np.full(3, score)) for name, score in scores.items()]
    frame = table(sweep, _only(there), two)
    assert _row(frame, "a_de", "a", "")["gain"] == pytest.approx(2)  # (1 + 3) / 2
    shown = section("m", frame, sweep, two)
    assert shown is not None
    assert shown.averages["a_de", "a"] == "Two average"
    frame = table(sweep, _only(there[1:]), two)  # without tags: (3 + 40) / 2
    assert _row(frame, "a_de", "a", "")["gain"] == pytest.approx(21.5)
    shown = section("m", frame, sweep, two)
    assert shown is not None
    assert shown.averages["a_de", "a"] == "mean of 2 of 3 targets"


# -- the section


@pytest.fixture(scope="module")
def report(world, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    store, folder, _ = world
    return write(store, folder, tmp_path_factory.mktemp("out"), resamples=100).files


def test_report_section_stands_before_the_groups_with_the_table_beside_it(report) -> None:
    html, markdown = report["html"].read_text(), report["markdown"].read_text()
    assert html.index('id="gains"') < html.index('id="arms"') < html.index('id="groups"')
    assert (
        markdown.index("## Gains, ")
        < markdown.index("## Arms of one task")
        < markdown.index("## Groups of")
    )
    found = pd.read_csv(report["arms_csv"], keep_default_na=False, na_values=[""])
    row = found[
        (found["arm"] == "skill") & (found["target"] == "tags") & (found["level"] == "mean")
    ].iloc[0]
    for text in (html, markdown):
        part = text[text.index("Arms of one task") :]
        assert "skill − noise" in part
        assert f"{row['gain']:+.1f}" in part
        assert (
            "Of 3 comparisons in the mean over targets, 1 is significantly above the "
            "reference, 2 below"
        ) in part
    assert 'href="arms.csv"' in html


def test_report_markdown_tables_of_the_section_are_whole(report) -> None:
    text = report["markdown"].read_text()
    part = text.split("## Arms of one task")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    # two questions, each with a head of two lines; two pairs and one, of two targets and their mean
    assert len(lines) == (2 + 2 * 3) + (2 + 3)
    assert {line.count("|") for line in lines} == {8}


def test_report_arm_without_all_scores_has_dashes_and_is_named(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store",
        targets=("tags", "pairs"),
        seeds=(1, 2),
        examples=20,
        intermediates=("none", "noise", "skill", "scramble"),
    )
    arms_of_noise(folder)
    ledger = Ledger(folder)
    for entry in ledger.entries():
        pair, seed = (entry.intermediate, entry.target), entry.seed
        if entry.kind == "evaluate" and (
            pair == ("skill", "tags") or (pair, seed) == (("scramble", "pairs"), 2)
        ):
            ledger.write(entry.model_copy(update={"state": State.FAILED, "error": "torn"}))
    files = write(store, folder, tmp_path / "out", resamples=20).files
    html, markdown = files["html"].read_text(), files["markdown"].read_text()
    assert all("skill − noise (tags); scramble − skill (tags)" in text for text in (html, markdown))
    assert "1 of 2 seeds" in html
    assert "| skill − noise | tags | – | – | – | – | – |" in markdown


def test_report_without_arms_has_no_section(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "noise"), examples=20
    )
    files = write(store, folder, tmp_path / "out", resamples=20).files
    assert "arms_csv" not in files
    assert not (tmp_path / "out" / "arms.csv").exists()
    assert "Arms of one task" not in files["html"].read_text() + files["markdown"].read_text()
