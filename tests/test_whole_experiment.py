"""The published sweep files, run at the size of a test: all intermediates, and of four of them a
few targets alone.

Rows are invented, schemas are the hub's (`tests/support/hub_world.py`), the model is tiny and a
phase has two steps; encoding, training, heads, evaluation, metrics and records are the real ones.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_world import make_hub, make_user_files
from tests.support.scaled_down import run_plainly, small
from tests.support.tiny import make_model
from tests.support.tiny_translator import make_translator
from xstilts.scoring.metrics import METRICS
from xstilts.store.results import EvaluationResult

TRANSLATOR = {"model": "local/translator", "language_codes": {"ru": "swh_Latn"}}
"""It knows German and Swahili alone; what stands for Russian is Swahili."""
Results = dict[str, Any]
"""Slot to its result."""


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All datasets, what a user brings, the tiny model and the tiny translator."""
    folder = tmp_path_factory.mktemp("hub")
    make_hub(folder)
    make_user_files(folder)
    make_model(folder)
    own = {
        language: [f"{letter}{i}" for i in range(60)]
        for language, letter in (("en", "w"), ("de", "d"), ("sw", "s"))
    }
    make_translator(folder / "models/local/translator", words=own)
    return folder


def run(
    name: str, mirror: Path, tmp_path: Path, overrides: dict[str, Any] | None = None
) -> Results:
    """The sweep file, scaled down and run."""
    files = mirror / "files"
    given = (
        {"tasks.ccg.source": {"files": [str(files / "ccg/{split}.conll")]}}
        if "phang2020" in name
        else {}
    )
    sweep = small(name, mirror, tmp_path / "store", {**given, **(overrides or {})})
    return run_plainly(sweep, files)


def evaluations(results: Results) -> Results:
    """Those of evaluation slots."""
    return {key: one for key, one in results.items() if "/eval/" in key}


def assert_sound(results: Results) -> None:
    """Every score is a percentage under a known name, every loss finite."""
    for key, one in results.items():
        for by_metric in one.scores.values() if isinstance(one, EvaluationResult) else ():
            assert set(by_metric) <= set(METRICS), key
            assert all(-100 <= value <= 100 for value in by_metric.values()), key
        assert isinstance(one, EvaluationResult) or math.isfinite(one.loss), key


def test_paper_grid_runs_whole(mirror: Path, tmp_path: Path) -> None:
    results = run("phang2020", mirror, tmp_path)
    assert len(evaluations(results)) == 10 * 9
    assert_sound(results)
    # One head for the five parts of ANLI+, each with development rows: 3 x 8 + 8 + 7 (SNLI hides
    # one label).
    assert set(results["tiny/anli_plus/t0"].dev.metrics) == {"anli_plus"}
    assert set(results["tiny/squad_v2/t0"].dev.metrics["squad_v2"]) >= {
        "best_qa_mean",
        "qa_mean",
    }


def test_multi_task_sweep_runs_whole(mirror: Path, tmp_path: Path) -> None:
    results = run("phang2020-multitask", mirror, tmp_path, {"targets": ["pawsx", "tatoeba"]})
    assert len(evaluations(results)) == 7 * 2
    assert_sound(results)
    dev = results["tiny/all9-capped/t0"].dev
    assert len(dev.metrics) == 9 and dev.metric == "mean"


def test_sweep_with_masked_lm_runs_whole(mirror: Path, tmp_path: Path) -> None:
    text = mirror / "files" / "text"
    text.mkdir(exist_ok=True)
    for language in ("en", "de"):
        (text / f"{language}.jsonl").write_text(
            "".join(f'{{"text": "w{i} w{i + 1} w{i + 2}"}}\n' for i in range(50))
        )
    mlm = {
        "tasks.mlm.source": {"files": [str(text / "{language}.jsonl")]},
        "tasks.mlm.train_language": ["en", "de"],
        "tasks.mlm.splits": {"train": "train[:80%]", "dev": "train[80%:]", "test": "train[80%:]"},
    }
    results = run("phang2020-mlm", mirror, tmp_path, {"targets": ["pawsx", "tatoeba"], **mlm})
    assert len(evaluations(results)) == 11 * 2
    assert_sound(results)
    assert set(results["tiny/mnli+mlm/t0"].dev.metrics) == {"mnli", "mlm"}


def test_sweep_of_translated_data_runs_whole(mirror: Path, tmp_path: Path) -> None:
    arms = {
        f"tasks.{task}_{language}.transform": {"translate": {**TRANSLATOR, "languages": [language]}}
        for task in ("mnli", "qqp", "hellaswag")
        for language in ("de", "ru", "sw")
    }
    results = run(
        "phang2020-translated", mirror, tmp_path, {"targets": ["pawsx", "tatoeba"], **arms}
    )
    assert len(evaluations(results)) == 17 * 2
    assert_sound(results)
    # To the tiny model German and invented words are both unknown, so those two arms are one here.
    losses = {results[f"tiny/mnli{arm}/t0"].loss for arm in ("", "_de", "_switched")}
    assert len(losses) == 3, "the arms are trained on different rows"


def test_syntactic_against_semantic_runs_whole(mirror: Path, tmp_path: Path) -> None:
    results = run("xtreme-r-syntactic-semantic", mirror, tmp_path)
    assert len(evaluations(results)) == 8 * 9
    assert_sound(results)
    layers = results["tiny/none>tatoeba_r/eval/s1"].layers
    assert {(one.layer, one.pooling) for one in layers} == {
        (0, "mean"),
        (1, "mean"),
        (0, "cls"),
        (1, "cls"),
    }


def test_synthetic_against_english_runs_whole(mirror: Path, tmp_path: Path) -> None:
    translate = {**TRANSLATOR, "languages": ["de", "ru", "sw"]}
    arms: dict[str, Any] = {"models": ["local/tiny"], "targets": ["xcopa", "lareqa", "tatoeba_r"]}
    for task in ("mnli", "squad"):
        arms[f"tasks.{task}_many.transform"] = {"translate": translate}
        arms[f"tasks.{task}_half.transform"] = {"translate": translate, "share": 0.5}
    results = run("xtreme-r-synthetic-multilingual", mirror, tmp_path, arms)
    assert len(evaluations(results)) == 11 * 3
    assert_sound(results)
