"""Averages of the benchmarks against published rows, and how incomplete ones are called."""

from __future__ import annotations

import pytest

from xstilts.results.benchmarks import XTREME, XTREME_R, average, deviations, label, of_targets
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Limits
from xstilts.tasks import TASKS


def _row(*values: float) -> dict[str, float]:
    """Task scores of a row of the paper's table: four scores, F1 and EM of three QA tasks, two
    scores.
    """
    xnli, pawsx, udpos, panx, *qa, bucc, tatoeba = values
    means = [(f1 + em) / 2 for f1, em in zip(qa[::2], qa[1::2], strict=True)]
    return dict(zip(XTREME.tasks, (xnli, pawsx, udpos, panx, *means, bucc, tatoeba), strict=True))


MBERT = _row(65.4, 81.9, 70.3, 62.2, 64.5, 49.4, 61.4, 44.2, 59.7, 43.9, 56.7, 38.7)
XLM = _row(69.1, 80.9, 70.1, 61.2, 59.8, 44.3, 48.5, 32.6, 43.6, 29.1, 56.8, 32.6)


@pytest.mark.parametrize(
    ("row", "published"),
    [
        # 65.4 + 81.9 + 70.3 + 62.2 + 56.95 + 52.8 + 51.8 + 56.7 + 38.7 = 536.75; / 9 = 59.64
        (MBERT, 59.6),
        # 69.1 + 80.9 + 70.1 + 61.2 + 52.05 + 40.55 + 36.35 + 56.8 + 32.6 = 499.65; / 9 = 55.52
        (XLM, 55.5),
        # XLM-R large as on the leaderboard (POS 73.8):
        # 79.2 + 86.4 + 73.8 + 65.4 + 68.7 + 62.4 + 55.05 + 66 + 57.3 = 614.25; / 9 = 68.25
        (_row(79.2, 86.4, 73.8, 65.4, 76.6, 60.8, 71.6, 53.2, 65.1, 45.0, 66.0, 57.3), 68.25),
        # MMTE: 67.4 + 81.3 + 72.3 + 58.3 + 55.3 + 50.85 + 50.95 + 59.8 + 37.9 = 534.1; / 9 = 59.34
        (_row(67.4, 81.3, 72.3, 58.3, 64.4, 46.2, 60.3, 41.4, 58.1, 43.8, 59.8, 37.9), 59.3),
    ],
)
def test_average_published_task_scores_give_the_published_average(
    row: dict[str, float], published: float
) -> None:
    found = average(row, XTREME)
    assert found.value == pytest.approx(published, abs=0.05)
    assert found.complete
    assert found.label == "XTREME average"


def test_average_is_over_tasks_and_not_over_groups() -> None:
    scores = dict.fromkeys(XTREME.tasks, 0.0) | {"xquad": 90.0}
    found = average(scores, XTREME)
    assert found.value == pytest.approx(
        10
    )  # 90 / 9; the mean of the four groups' scores would be 7.5
    assert found.groups == {
        "classification": 0,
        "structured": 0,
        "QA": pytest.approx(30),
        "retrieval": 0,
    }


def test_average_a_missing_task_is_no_overall_score() -> None:
    scores = {name: MBERT[name] for name in XTREME.tasks if name != "bucc"}
    found = average(scores, XTREME)
    assert not found.complete
    assert found.label == "mean of 8 of 9 XTREME tasks"
    assert set(found.groups) == {"classification", "structured", "QA"}
    assert found.value == pytest.approx((536.75 - 56.7) / 8)


def test_average_of_nothing_is_none() -> None:
    assert average({}, XTREME).value is None


def test_of_targets_the_benchmark_that_most_belong_to() -> None:
    assert of_targets(("xnli", "tatoeba")) is XTREME
    assert of_targets(("xnli", "mlqa")) is XTREME  # in both: the first
    assert of_targets(("xnli", "udpos_r")) is XTREME_R
    own = of_targets(("mine", "yours"))
    assert (own.title, own.tasks) == ("", ("mine", "yours"))
    assert label(("mine",), own) == "mean of 1 of 2 targets"


def test_parts_metrics_are_metrics_of_some_format() -> None:
    known = {name for spec in FORMATS.values() for name in spec.metrics}
    assert {part.metric for one in (XTREME, XTREME_R) for part in one.parts} <= known
    assert (len(XTREME.parts), len(XTREME_R.parts)) == (9, 10)


def test_parts_built_in_tasks_have_the_official_metric() -> None:
    for one in (XTREME, XTREME_R):
        for part in one.parts:
            if part.task in TASKS:
                assert TASKS[part.task].metric == part.metric, part.task


def test_deviations_fewer_languages_rows_and_other_metrics_are_said() -> None:
    changed = TASKS["udpos"].model_copy(
        update={"languages": ("en", "de"), "limits": Limits(test=50), "metric": "token_accuracy"}
    )
    sweep = Sweep(
        name="s",
        models=(Model(id="a/b"),),
        intermediates=("none",),
        targets=("udpos", "xnli", "squad"),
        tasks=(changed, TASKS["xnli"], TASKS["squad"]),
    )
    assert deviations(sweep, XTREME) == [
        "udpos is scored by token_accuracy, not by chunk_f1, and left out of the average",
        "udpos: 2 of its 33 languages",
        "udpos: at most 50 test rows a language",
        "squad is not a task of XTREME and not in its average",
    ]


def test_deviations_go_by_what_a_language_is_and_by_what_is_read() -> None:
    xnli = TASKS["xnli"]
    words = tuple({"zh": "zho", "en": "en-US"}.get(one, one) for one in xnli.languages)
    own = xnli.source.model_copy(update={"hub": None, "config": None, "files": ("a.csv",)})

    def told(**changes: object) -> list[str]:
        sweep = Sweep(
            name="s",
            models=(Model(id="a/b"),),
            intermediates=("none",),
            targets=("xnli",),
            tasks=(xnli.model_copy(update=changes),),
        )
        return deviations(sweep, XTREME)

    assert told(languages=words) == []
    assert told(languages=(*words, "zh-CN")) == [
        "xnli: zh under several names, each of which counts"
    ]
    assert told(languages=(*xnli.languages, "ja")) == [
        "xnli: ja in its mean, which the benchmark has not"
    ]
    assert told(source=own) == ["xnli: reads other data than the benchmark's"]
