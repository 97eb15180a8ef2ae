"""A written sweep file is valid at once, whatever it was written from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from ruamel.yaml import YAML

from xstilts.errors import InputError
from xstilts.planning import make_plan
from xstilts.spec.sweep import Pretraining, Sweep
from xstilts.sweep_file import draft, loads
from xstilts.sweep_file.draft import GENERATOR, Draft, OwnTask, scalar, write


def made(**changes: Any) -> Sweep:
    values = {
        "name": "s",
        "models": ["org/model"],
        "intermediates": ["squad"],
        "targets": ["xnli"],
        **changes,
    }
    return loads(write(Draft(**values), "s.yaml"))


@pytest.mark.parametrize("target", draft.targets())
def test_every_target_loads_with_every_intermediate(target: str) -> None:
    sweep = made(intermediates=draft.intermediates(), targets=[target])
    assert sweep.labels == ("none", *draft.intermediates())
    assert make_plan(sweep).slots


@settings(max_examples=40, deadline=None)
@given(
    intermediates=st.lists(st.sampled_from(draft.intermediates()), unique=True, max_size=4),
    targets=st.lists(st.sampled_from(draft.targets()), unique=True, min_size=1, max_size=4),
    models=st.lists(st.sampled_from([GENERATOR, "a/b", "c/b", "./x y"]), unique=True, min_size=1),
    trials=st.integers(1, 9),
    seeds=st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=3),
)
def test_any_answers_give_a_sweep_that_loads_and_plans(
    intermediates: list[str], targets: list[str], models: list[str], trials: int, seeds: list[int]
) -> None:
    sweep = made(
        intermediates=intermediates, targets=targets, models=models, trials=trials, seeds=seeds
    )
    assert (sweep.targets, sweep.seeds) == (tuple(targets), tuple(seeds))
    assert len({model.label for model in sweep.models}) == len(models)
    assert make_plan(sweep).slots


@given(st.text(max_size=12))
def test_text_comes_back_from_yaml_as_it_was(text: str) -> None:
    if any(0xD800 <= ord(one) < 0xE000 for one in text):
        return
    yaml = YAML(typ="safe", pure=True)
    assert yaml.load(f"a: [{scalar(text)}, {scalar(text)}]")["a"] == [text, text]


def test_generator_is_a_model_that_the_sweep_pretrains_itself() -> None:
    sweep = made(models=[GENERATOR], intermediates=["gen-more"], targets=["gen-tags"])
    (model,) = sweep.models
    assert isinstance(model, Pretraining) and model.task == "gen-text"
    assert sweep.settings("target", "gen-tags").max_length_tokens == 48


def test_questions_get_room_for_their_context() -> None:
    sweep = made(intermediates=["squad"], targets=["xquad", "xnli"])
    assert sweep.settings("target", "xquad").max_length_tokens == 384
    assert sweep.settings("intermediate", "squad").doc_stride_tokens == 128
    assert sweep.settings("target", "xnli").max_length_tokens == 128


def test_one_trial_searches_nothing() -> None:
    assert made(trials=1).target.lr == 2e-5
    assert hasattr(made(trials=2).target.lr, "log")


def test_own_task_stands_in_the_file_with_odd_labels_as_they_are() -> None:
    labels = ["no", "1", "a, b", "it's: [x]", "ü", "#c"]
    own = OwnTask(
        name="mine",
        format="classification",
        metric="accuracy",
        files=["data/{split}.{language}.csv"],
        file_format=None,
        columns={"text": "the text", "label": "yes"},
        labels=labels,
        languages=["en", "no"],
        train_language="en",
        splits={"train": "train[:80%]", "dev": "train[80%:]", "test": "test"},
    )
    task = made(targets=["mine"], own=[own]).task("mine")
    assert task.labels == tuple(labels) and task.languages == ("en", "no")
    assert task.columns == {"text": "the text", "label": "yes"}
    assert task.splits.dev == "train[80%:]"


def test_answers_that_make_no_sweep_are_refused_with_the_readers_words() -> None:
    with pytest.raises(InputError, match=r'targets\[0\] is "xnlj", which is no task; nearest'):
        made(targets=["xnlj"])
    with pytest.raises(InputError, match="name"):
        made(name="two words")
