"""The models that a sweep names: bases, tokenizers, translators, each once."""

from __future__ import annotations

from xstilts.sources.sweep_models import SweepModel, sweep_models
from xstilts.spec.sweep import Model, Pretraining, Sweep
from xstilts.spec.transforms import Lookup, Transform, Translate
from xstilts.tasks import TASKS


def translated(name: str, model: str) -> Transform:
    return Transform(translate=Translate(model=model, revision=name, languages=("de",)))


def test_sweep_models_are_bases_tokenizers_and_translators_each_once() -> None:
    squad = TASKS["squad"]
    scratch = Pretraining(
        name="p", task="mlm", config={"model_type": "bert"}, tokenizer="generator"
    )
    sweep = Sweep(
        name="s",
        models=(Model(id="org/m", revision="v1"), scratch),
        intermediates=("none",),
        targets=("squad",),
        tasks=(
            squad,
            squad.model_copy(update={"name": "a", "transform": translated("v2", "org/nllb")}),
            squad.model_copy(update={"name": "b", "transform": translated("v2", "org/nllb")}),
            squad.model_copy(
                update={
                    "name": "c",
                    "transform": Transform(lookup=Lookup(files=("a.tsv",), languages=("de",))),
                }
            ),
        ),
    )
    found = sweep_models(sweep)
    assert found == (
        SweepModel(id="org/m", revision="v1", role="base"),
        SweepModel(id="generator", revision="main", role="tokenizer"),
        SweepModel(id="org/nllb", revision="v2", role="translator"),
    )
    assert [one.weights for one in found] == [True, False, True]
