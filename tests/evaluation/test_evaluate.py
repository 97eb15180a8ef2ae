"""Evaluations: every language predicted, every score recomputable from what is stored."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import toy
from xstilts.errors import DataError, PhaseError
from xstilts.evaluation import evaluate
from xstilts.evaluation.vector_store import VectorStore
from xstilts.formats import classification, prediction
from xstilts.formats.encoded import EncodedSplit
from xstilts.formats.prediction import Predictor
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.phase import ModelParent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.store.phases import Phase, Store
from xstilts.store.results import EvaluationResult
from xstilts.training.phase import Report, run_phase


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
    return phase.predictions(language).to_pydict()


@pytest.mark.parametrize("kind", ["class", "tags", "qa", "choice", "text"])
def test_evaluation_of_each_format_can_be_recomputed_from_its_predictions(
    world: Path, kind: str
) -> None:
    phase = run(
        world / "store", toy.evaluation(trained(world, kind), toy.task(kind, world / "rows"))
    )
    result = phase.record().evaluated
    assert set(result.scores) == {"en", "fi"}
    for language, scores in result.scores.items():
        table = columns(phase, language)
        assert {"id", "prediction", "gold"} <= set(table) and len(table["id"]) == result.n[language]
        assert scores == {name: METRICS[name].of(table) for name in scores}
    for name, mean in result.mean.items():
        assert mean == pytest.approx(sum(s[name] for s in result.scores.values()) / 2)


def test_evaluation_of_a_learned_task_is_good_and_of_an_unseen_language_is_not(world: Path) -> None:
    spec = trained(world, "tags", steps=60, lr=5e-3, eval_every_steps=60)
    scores = (
        run(world / "store", toy.evaluation(spec, toy.task("tags", world / "rows")))
        .record()
        .evaluated.scores
    )
    assert scores["en"]["token_accuracy"] > 90 > 75 > scores["fi"]["token_accuracy"]


def test_evaluation_does_not_depend_on_how_features_are_batched(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trained(world, "qa")
    spec = toy.evaluation(training, toy.task("qa", world / "rows"))
    whole = run(world / "store", spec)
    monkeypatch.setitem(prediction.BATCH_TOKENS, "cpu", 1)
    shutil.copytree(world / "store/phases" / training.id, tmp_path / "phases" / training.id)
    single = run(tmp_path, spec)
    assert columns(whole, "fi")["prediction"] == columns(single, "fi")["prediction"]


def test_retrieval_of_a_base_model_needs_no_training(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    task = toy.task("pairs", world / "rows", languages=("en",))
    result = run(tmp_path, toy.evaluation(parent, task)).record().evaluated
    assert result.scores["en"]["accuracy"] == 100


def test_masked_lm_of_a_base_model_uses_its_own_head(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    result = (
        run(tmp_path, toy.evaluation(parent, toy.task("text", world / "rows"))).record().evaluated
    )
    assert 0 <= result.mean["masked_accuracy"] < 20


def test_evaluation_of_a_model_trained_from_scratch(world: Path, tmp_path: Path) -> None:
    scratch = ScratchParent(
        config=toy.config(), tokenizer=str(world / "base"), tokenizer_revision="r"
    )
    pretraining = toy.training("", [toy.task("text", world / "rows")], parent=scratch)
    run(tmp_path, pretraining)
    target = toy.training(
        "", [toy.task("class", world / "rows")], parent=PhaseParent(phase=pretraining.id)
    )
    run(tmp_path, target)
    assert run(tmp_path, toy.evaluation(target, toy.task("class", world / "rows"))).done


def test_evaluation_reports_languages_and_can_be_pruned(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    spec = toy.evaluation(parent, toy.task("pairs", world / "rows"))
    reports: list[Report] = []

    def report(one: Report) -> bool:
        reports.append(one)
        return False

    assert run_phase(spec, toy.context(tmp_path), report) == "pruned"
    assert [(r.step, r.steps, r.value, r.doing) for r in reports] == [
        (0, 2, None, "loading the checkpoint"),
        (0, 2, None, "predicting en"),
        (1, 2, None, ""),
    ]
    assert reports[-1].examples_per_second and reports[-1].examples_per_second > 0
    assert not Store(tmp_path).phase(spec.id).done


def test_evaluation_without_a_test_split_is_an_error(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    task = toy.task("pairs", world / "rows", splits=Splits(train="train"))
    with pytest.raises(DataError, match="test"):
        run(tmp_path, toy.evaluation(parent, task))


def test_evaluation_of_several_tasks_is_an_error(world: Path, tmp_path: Path) -> None:
    spec = toy.evaluation(
        ModelParent(model=str(world / "base"), revision="r"), toy.task("pairs", world / "rows")
    )
    spec = spec.model_copy(update={"members": spec.members * 2})
    with pytest.raises(PhaseError, match="one task"):
        run(tmp_path, spec)


def test_scores_of_a_metric_the_format_lacks_is_an_error(world: Path) -> None:
    task = toy.task("choice", world / "rows", metric="chunk_f1")
    with pytest.raises(DataError, match="must be one of accuracy"):
        evaluate.scores({"correct": [1, 0]}, task)


def test_scores_that_are_not_finite_are_an_error(world: Path) -> None:
    with pytest.raises(PhaseError, match="finite"):
        evaluate.scores({"correct": [1.0, float("nan")]}, toy.task("choice", world / "rows"))


def test_evaluation_leaves_to_the_format_how_it_predicts(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(split: EncodedSplit, task: Task, predictor: Predictor) -> list[Any]:
        return [predictor.keep(row, np.array([0.0, 1.0])) for row in range(len(split))]

    spec = trained(world, "class")
    monkeypatch.setattr(classification, "predict", predict)
    evaluation = toy.evaluation(spec, toy.task("class", world / "rows"))
    shutil.copytree(world / "store/phases" / spec.id, tmp_path / "phases" / spec.id)
    assert set(columns(run(tmp_path, evaluation), "fi")["prediction"]) == {"good"}


# -- sweeps of layers and poolings


SWEEP = {"sweep_layers": "all", "sweep_poolings": ("cls", "max")}


@pytest.mark.parametrize(
    "own", [{}, {"layer": 1, "pooling": "mean_content"}, {"similarity": "margin", "layer": 0}]
)
def test_sweep_of_layers_leaves_the_tasks_own_numbers_exactly_as_they_are(
    world: Path, tmp_path: Path, own: dict[str, Any]
) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    plain, swept = (
        run(
            tmp_path,
            toy.evaluation(
                parent, toy.task("pairs", world / "rows", options=RetrievalOptions(**own, **sweep))
            ),
        )
        for sweep in ({}, SWEEP)
    )
    one, other = plain.record().evaluated, swept.record().evaluated
    assert one.layers == []
    assert (other.scores, other.mean, other.n) == (one.scores, one.mean, one.n)
    for language in ("en", "fi"):
        assert columns(plain, language) == columns(swept, language)


def test_sweep_of_layers_gives_every_variant_what_it_gets_alone(
    world: Path, tmp_path: Path
) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")

    def result(**options: Any) -> EvaluationResult:
        task = toy.task("pairs", world / "rows", options=RetrievalOptions(**options))
        return run(tmp_path, toy.evaluation(parent, task)).record().evaluated

    rows = result(**SWEEP).layers
    assert len(rows) == 2 * 3 * 3  # languages, hidden states, poolings
    assert all(row.n == 48 and row.metric == "accuracy" for row in rows)
    value = {(row.language, row.layer, row.pooling): row.value for row in rows}
    assert len(value) == len(rows)
    for layer in (0, 1, 2):
        for pooling in ("mean", "cls", "max"):
            alone = result(layer=layer, pooling=pooling).scores
            for language in ("en", "fi"):
                # Swept vectors are kept in half precision: one of 48 sentences may find another
                # neighbour.
                assert value[language, layer, pooling] == pytest.approx(
                    alone[language]["accuracy"], abs=100 / 48 + 0.1
                )


def test_sweep_of_a_layer_the_model_lacks_is_an_error(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    task = toy.task("pairs", world / "rows", options=RetrievalOptions(sweep_layers=(1, 7, -2)))
    with pytest.raises(
        PhaseError, match="sweep_layers is 7, -2; the model has hidden states 0 to 2"
    ):
        run(tmp_path, toy.evaluation(parent, task))


def test_sweep_of_layers_on_real_sentences(mirror: Path, tmp_path: Path) -> None:
    task = Task(
        name="tatoeba",
        format="retrieval",
        source=Source(hub="google/xtreme", config="tatoeba.{language}"),
        languages=("de",),
        language_names={"de": "deu"},
        splits=Splits(test="validation"),
        limits=Limits(test=100),
        metric="accuracy",
        options=RetrievalOptions(sweep_layers="all"),
    )
    base = mirror / "models" / "local" / "mini-xlmr"
    if not base.is_dir() or not (mirror / "datasets/google/xtreme/tatoeba.deu").is_dir():
        pytest.skip("the mirror lacks models/local/mini-xlmr or tatoeba.deu")
    spec = toy.evaluation(ModelParent(model=str(base), revision="r"), task, max_length_tokens=128)
    assert run_phase(spec, toy.context(tmp_path, mirror=str(mirror)), toy.silent) == "done"
    result = Store(tmp_path).phase(spec.id).record().evaluated
    of_layer = {row.layer: row.value for row in result.layers}
    assert set(of_layer) == {0, 1, 2, 3, 4}
    assert of_layer[4] == result.scores["de"]["accuracy"]
    assert max(of_layer.values()) >= of_layer[4] and len(set(of_layer.values())) > 1


# -- formats that need more than the test rows of a language


def sentence(rng: random.Random, letter: str, words: int) -> str:
    return " ".join(f"{letter}{rng.randrange(60):02d}" for _ in range(words))


@pytest.fixture(scope="module")
def more(world: Path) -> Path:
    """`rows/<kind>/<language>/<split>.jsonl` of the kinds `mine` and `dual`."""
    rng = random.Random(0)
    for language, letter in (("en", "w"), ("fi", "x")):
        for split, size in (("train", 96), ("dev", 24), ("test", 24)):
            pairs = [sentence(rng, letter, 8) for _ in range(size)]
            mine = [{"source_sentence": text, "target_sentence": text} for text in pairs]
            mine += [
                {"source_sentence": sentence(rng, letter, 8), "target_sentence": ""}
                for _ in range(9)
            ]
            mine += [
                {"source_sentence": "", "target_sentence": sentence(rng, letter, 8)}
                for _ in range(9)
            ]
            # The answer to w07 is `x07 x07 x07`; keys are the same in both languages, as those of
            # translations are.
            other = {"w": "x", "x": "w"}[letter]
            numbers = [f"{i % 60:02d}" for i in range(size)]
            dual = [
                {"query": letter + n, "candidate": " ".join([other + n] * 3), "key": n}
                for n in numbers
            ]
            dual += [
                {"query": "", "candidate": sentence(rng, letter, 8), "key": f"{language}{i}"}
                for i in range(9)
            ]
            for kind, rows in (("mine", mine), ("dual", dual)):
                path = world / "rows" / kind / language / f"{split}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return world


def of_kind(kind: str, world: Path, **options: Any) -> Task:
    format_name, metric = {"mine": ("mining", "mining_f1"), "dual": ("dual_encoder", "map_at_k")}[
        kind
    ]
    return Task(
        name=kind,
        format=format_name,  # type: ignore[arg-type]
        source=Source(files=(f"{world / 'rows'}/{kind}/{{language}}/{{split}}.jsonl",)),
        languages=("en", "fi"),
        splits=Splits(train="train", dev="dev", test="test"),
        metric=metric,
        options=options,  # type: ignore[arg-type]
    )


def test_mining_takes_its_threshold_from_the_development_rows_of_each_language(
    more: Path, tmp_path: Path
) -> None:
    parent = ModelParent(model=str(more / "base"), revision="r")
    task = of_kind("mine", more, sweep_layers=(1,))
    phase = run(tmp_path, toy.evaluation(parent, task))
    result = phase.record().evaluated
    assert (
        result.mean["mining_f1"] > 90 and result.mean["mining_best_f1"] >= result.mean["mining_f1"]
    )
    assert len(result.layers) == 2 * 2 * 2  # languages, hidden states, metrics
    for language in ("en", "fi"):
        table = columns(phase, language)
        assert sum(table["gold_pairs"]) == 24
        assert 0 < table["threshold"][0] < max(table["score"])
        assert result.scores[language] == {
            name: METRICS[name].of(table) for name in ("mining_f1", "mining_best_f1")
        }


def test_sweep_whose_vectors_lie_in_a_file_has_the_same_scores(
    more: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = toy.evaluation(
        ModelParent(model=str(more / "base"), revision="r"),
        of_kind("mine", more, sweep_layers="all"),
    )
    kept = run(tmp_path / "memory", spec).record().evaluated
    monkeypatch.setattr(evaluate, "VectorStore", lambda n, scratch: VectorStore(n, scratch, 0))
    filed = run(tmp_path / "file", spec).record().evaluated
    assert toy.numbers(kept) == toy.numbers(filed)


def test_mining_without_development_rows_is_an_error(more: Path, tmp_path: Path) -> None:
    task = of_kind("mine", more).model_copy(update={"splits": Splits(test="test")})
    with pytest.raises(DataError, match="dev"):
        run(tmp_path, toy.evaluation(ModelParent(model=str(more / "base"), revision="r"), task))


def dual(more: Path, steps: int) -> PhaseSpec:
    task = of_kind("dual", more, logit_scale=20.0)
    return toy.training(
        str(more / "base"),
        [task],
        steps=steps,
        lr=3e-3,
        eval_every_steps=steps,
        batch_size=16,
        patience_evals=0,
    )


def test_dual_encoder_learns_and_its_queries_look_among_the_candidates_of_all_languages(
    more: Path, tmp_path: Path
) -> None:
    before, after = (
        run(tmp_path, dual(more, steps)).record().trained.dev.value for steps in (1, 150)
    )
    assert after > before + 30
    phase = run(tmp_path, toy.evaluation(dual(more, 150), of_kind("dual", more, logit_scale=20.0)))
    result = phase.record().evaluated
    assert result.n == {"en": 24, "fi": 24}
    for language, scores in result.scores.items():
        table = columns(phase, language)
        assert table["relevant"] == [2] * 24  # one of each language
        assert scores == {name: METRICS[name].of(table) for name in ("map_at_k", "mrr_at_k")}


def test_dual_encoder_of_a_base_model_is_an_error(more: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(more / "base"), revision="r")
    with pytest.raises(PhaseError, match="no trained head for dual_encoder"):
        run(tmp_path, toy.evaluation(parent, of_kind("dual", more)))


def test_language_without_anything_to_score_is_an_error(more: Path, tmp_path: Path) -> None:
    path = more / "rows" / "dual" / "yy" / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"query": "", "candidate": "w01", "key": "k"}\n')
    run(tmp_path, dual(more, 1))
    task = of_kind("dual", more).model_copy(update={"languages": ("en", "yy")})
    with pytest.raises(DataError, match="yy has nothing to score"):
        run(tmp_path, toy.evaluation(dual(more, 1), task))


@pytest.mark.slow
def test_two_workers_give_the_tables_of_one(more: Path, tmp_path: Path) -> None:
    training = dual(more, 2)
    specs = [
        toy.evaluation(training, of_kind("dual", more, logit_scale=20.0)),
        toy.evaluation(
            ModelParent(model=str(more / "base"), revision="r"),
            of_kind("mine", more, sweep_layers=(0,)),
        ),
    ]
    one, two = tmp_path / "one", tmp_path / "two"
    run(one, training)
    shutil.copytree(one / "phases" / training.id, two / "phases" / training.id)
    for spec in specs:
        run(one, spec)
    (listed := tmp_path / "specs.json").write_text(
        json.dumps([spec.model_dump(mode="json") for spec in specs])
    )
    commands = [
        toy.worker(str(two), str(listed), str(rank), "2", str(tmp_path / "meeting"))
        for rank in range(2)
    ]
    workers = [subprocess.Popen(command, env=toy.environment()) for command in commands]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    for spec in specs:
        left, right = (Store(store).phase(spec.id) for store in (one, two))
        assert toy.numbers(left.record().evaluated) == toy.numbers(right.record().evaluated)
        assert columns(left, "fi") == columns(right, "fi")
