"""Evaluations: every language predicted, every score recomputable from what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tests import toy
from xstilts import evaluate
from xstilts.errors import DataError, PhaseError
from xstilts.identity import ModelParent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.metrics import METRICS
from xstilts.store import Phase, Store
from xstilts.task import Splits
from xstilts.train import Report, run_phase


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows")
    return folder


def run(store: Path, spec: PhaseSpec) -> Phase:
    assert run_phase(spec, toy.context(store), toy.silent) == "done"
    return Store(store).phase(spec.id)


def trained(world: Path, kind: str, **changes: Any) -> PhaseSpec:
    """A training that is done in `world / "store"`."""
    spec = toy.training(str(world / "base"), [toy.task(kind, world / "rows")], **changes)
    run(world / "store", spec)
    return spec


def columns(phase: Phase, language: str) -> dict[str, list[Any]]:
    return pq.read_table(phase.predictions / f"{language}.parquet").to_pydict()


@pytest.mark.parametrize("kind", ["class", "tags", "qa", "choice", "text"])
def test_evaluation_of_each_format_can_be_recomputed_from_its_predictions(world: Path, kind: str) -> None:
    phase = run(world / "store", toy.evaluation(trained(world, kind), toy.task(kind, world / "rows")))
    result = phase.record()["result"]
    assert set(result["scores"]) == {"en", "xx"}
    for language, scores in result["scores"].items():
        table = columns(phase, language)
        assert {"id", "prediction", "gold"} <= set(table) and len(table["id"]) == result["n"][language]
        assert scores == {name: METRICS[name].of(table) for name in scores}
    for name, mean in result["mean"].items():
        assert mean == pytest.approx(sum(s[name] for s in result["scores"].values()) / 2)


def test_evaluation_writes_the_scores_table(world: Path) -> None:
    phase = run(world / "store", toy.evaluation(trained(world, "qa"), toy.task("qa", world / "rows")))
    rows = pq.read_table(phase.scores).to_pylist()
    assert list(rows[0]) == ["task", "language", "split", "metric", "value", "n"]
    scores = phase.record()["result"]["scores"]
    assert {(r["language"], r["metric"], r["value"]) for r in rows} == {
        (language, name, value) for language, one in scores.items() for name, value in one.items()
    }
    assert {(r["task"], r["split"], r["n"]) for r in rows} == {("qa", "test", 48)}


def test_evaluation_of_a_learned_task_is_good_and_of_an_unseen_language_is_not(world: Path) -> None:
    spec = trained(world, "tags", steps=60, lr=5e-3, eval_every_steps=60)
    scores = run(world / "store", toy.evaluation(spec, toy.task("tags", world / "rows"))).record()["result"]["scores"]
    assert scores["en"]["token_accuracy"] > 90 > 75 > scores["xx"]["token_accuracy"]


def test_evaluation_does_not_depend_on_how_features_are_batched(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trained(world, "qa")
    spec = toy.evaluation(training, toy.task("qa", world / "rows"))
    whole = run(world / "store", spec)
    monkeypatch.setitem(evaluate.BATCH_TOKENS, "cpu", 1)
    (tmp_path / "phases").mkdir()
    (tmp_path / "phases" / training.id).symlink_to(Store(world / "store").phase(training.id).folder)
    single = run(tmp_path, spec)
    assert columns(whole, "xx")["prediction"] == columns(single, "xx")["prediction"]


def test_retrieval_of_a_base_model_needs_no_training(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    task = toy.task("pairs", world / "rows", languages=("en",))
    result = run(tmp_path, toy.evaluation(parent, task)).record()["result"]
    assert result["scores"]["en"]["accuracy"] == 100


def test_masked_lm_of_a_base_model_uses_its_own_head(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    result = run(tmp_path, toy.evaluation(parent, toy.task("text", world / "rows"))).record()["result"]
    assert 0 <= result["mean"]["masked_accuracy"] < 20


def test_evaluation_of_a_model_trained_from_scratch(world: Path, tmp_path: Path) -> None:
    scratch = ScratchParent(config=toy.config(), tokenizer=str(world / "base"), tokenizer_revision="r")
    pretraining = toy.training("", [toy.task("text", world / "rows")], parent=scratch)
    run(tmp_path, pretraining)
    target = toy.training("", [toy.task("class", world / "rows")], parent=PhaseParent(phase=pretraining.id))
    run(tmp_path, target)
    assert run(tmp_path, toy.evaluation(target, toy.task("class", world / "rows"))).done


def test_evaluation_reports_languages_and_can_be_stopped(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    spec = toy.evaluation(parent, toy.task("pairs", world / "rows"))
    reports: list[Report] = []

    def report(one: Report) -> bool:
        reports.append(one)
        return False

    assert run_phase(spec, toy.context(tmp_path), report) == "stopped"
    assert [(r.step, r.steps, r.value) for r in reports] == [(1, 2, None)]
    assert not Store(tmp_path).phase(spec.id).done


def test_evaluation_without_a_test_split_is_an_error(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    task = toy.task("pairs", world / "rows", splits=Splits(train="train"))
    with pytest.raises(DataError, match="test"):
        run(tmp_path, toy.evaluation(parent, task))


def test_evaluation_of_several_tasks_is_an_error(world: Path, tmp_path: Path) -> None:
    spec = toy.evaluation(ModelParent(model=str(world / "base"), revision="r"), toy.task("pairs", world / "rows"))
    spec = spec.model_copy(update={"members": spec.members * 2})
    with pytest.raises(PhaseError, match="one task"):
        run(tmp_path, spec)


def test_scores_of_a_metric_the_format_lacks_is_an_error(world: Path) -> None:
    task = toy.task("class", world / "rows", metric="chunk_f1")
    with pytest.raises(DataError, match="must be one of accuracy"):
        evaluate.scores({"correct": [1, 0]}, task)


def test_scores_that_are_not_finite_are_an_error(world: Path) -> None:
    with pytest.raises(PhaseError, match="finite"):
        evaluate.scores({"correct": [1.0, float("nan")]}, toy.task("class", world / "rows"))


def test_batches_hold_every_feature_once_and_few_tokens() -> None:
    lengths = torch.randint(1, 100, (500,), generator=torch.Generator().manual_seed(0)).tolist()
    made = list(evaluate.batches(lengths, 400))
    assert sorted(row for batch in made for row in batch) == list(range(500))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 400 for batch in made)
    assert len(list(evaluate.batches([900, 900], 400))) == 2
