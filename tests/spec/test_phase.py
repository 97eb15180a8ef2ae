"""What decides a phase's id, and what must not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import builders
from tests.support.sweeps import task
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseParent, PhaseSpec
from xstilts.spec.sweep import Rates
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.spec.transforms import Dictionary, Lookup, Pseudo, Transform, Translate
from xstilts.store.phases import Store


def spec(action: str = "train", **changes: Any) -> PhaseSpec:
    values: dict[str, Any] = {
        "action": action,
        "parent": ModelParent(model="org/model", revision="r1"),
        "members": (Member(task=task("good"), data_revision="d1"),),
        "hyper": Hyperparameters(lr=1e-4, steps=10),
        "seed": 1,
    }
    return PhaseSpec(**{**values, **changes})


def with_task(**changes: Any) -> dict[str, Any]:
    return {"members": (Member(task=task("good").model_copy(update=changes), data_revision="d1"),)}


OPTIONS = {
    "layer": 3,
    "pooling": "cls",
    "sweep_layers": "all",
    "sweep_poolings": ("cls",),
    "similarity": "margin",
    "neighbours": 5,
    "mask_probability": 0.3,
    "no_answer": True,
    "positive_label": "a",
    "cut_off": 10,
    "logit_scale": 20.0,
    "max_answer_tokens": 20,
    "max_question_tokens": 32,
    "n_best": 5,
}
"""Every option of every format, at another value than its default."""
OF_FORMAT = [(name, one) for name, spec in FORMATS.items() for one in spec.options.model_fields]


def with_options(format_name: FormatName, **options: Any) -> dict[str, Any]:
    """A task of a format with some options."""
    return with_task(format=format_name, options=FORMATS[format_name].options(**options))


def with_mixture(
    one: Task | None = None, other: Task | None = None, **changes: Any
) -> dict[str, Any]:
    """Two members, the second a masked LM unless it is given."""
    members = (one or task("good"), other or task("lines", "masked_lm"))
    return {"members": tuple(Member(task=t, data_revision="d1") for t in members), **changes}


TRANSFORM = Transform(translate=Translate(model="org/nllb", languages=("de", "zh")))


def with_transform(**changes: Any) -> dict[str, Any]:
    assert TRANSFORM.translate is not None
    fields = {k: v for k, v in changes.items() if k in Translate.model_fields}
    made = TRANSFORM.translate.model_copy(update=fields)
    rest = {k: v for k, v in changes.items() if k not in fields}
    return with_task(transform=TRANSFORM.model_copy(update={"translate": made, **rest}))


DICTIONARY = Dictionary(files=("muse.txt",), languages=("de",))
DICTIONARIES = [
    with_task(transform=Transform(dictionary=DICTIONARY.model_copy(update=change)))
    for change in (
        {},
        {"languages": ("zh",)},
        {"sentence_ratio": 0.5},
        {"word_ratio": 0.9},
        {"cross": False},
    )
]
PARTS = (task("first"), task("second"))


def with_parts(*parts: Task, **changes: Any) -> dict[str, Any]:
    return with_task(source=Source(union=True), parts=parts or PARTS, **changes)


DECIDES_A_TRAINING = [
    {"parent": ModelParent(model="org/model", revision="r2")},
    {"parent": ModelParent(model="org/other", revision="r1")},
    {"parent": PhaseParent(phase="0" * 24)},
    {"members": (Member(task=task("good"), data_revision="d2"),)},
    {"seed": 2},
    with_task(source=Source(hub="org/else")),
    with_task(labels=("b", "a")),
    with_task(columns={"text": "sentence"}),
    with_task(train_language="de"),
    with_task(splits=Splits(train="train[:50%]", dev="validation", test="test")),
    with_task(limits=Limits(train=5)),
    *[with_options(name, **{option: OPTIONS[option]}) for name, option in OF_FORMAT],
    *[with_options(name) for name in FORMATS if name != "classification"],
    with_task(metric="other"),
    with_task(source=Source(hub="org/good", row_filter={"id": "english-*"})),
    with_task(train_language=("en", "sw")),
    with_task(train_language=("sw", "en")),
    with_task(train_language=("en", "sw"), language_exponent=0.3),
    with_task(train_language=("en", "sw"), language_exponent=0.5),
    with_transform(),
    with_task(transform=Transform(pseudo=Pseudo())),
    with_task(transform=Transform(pseudo=Pseudo(word_ratio=0.5))),
    with_task(transform=Transform(lookup=Lookup(files=("a.jsonl",), languages=("de",)))),
    *DICTIONARIES,
    with_parts(),
    *[
        {"hyper": Hyperparameters(**{"lr": 1e-4, "steps": 10, name: value})}
        for name, value in {
            "lr": 2e-4,
            "steps": 11,
            "batch_size": 16,
            "grad_accumulation": 2,
            "schedule": "cosine",
            "warmup_ratio": 0.2,
            "weight_decay": 0.1,
            "max_grad_norm": 2.0,
            "max_length_tokens": 64,
            "doc_stride_tokens": 32,
            "eval_every_steps": 3,
            "patience_evals": 2,
            "precision": "bf16",
        }.items()
    ],
]
DECIDES_A_MIXTURE = [
    {"rates": "uniform"},
    {"rates": (2.0, 1.0)},
    {"rates": Rates(cap=5)},
    {"rates": Rates(cap=5, temperature=2.0)},
    {"rates": Rates(temperature=2.0)},
    {"rates": Rates(fixed={"lines": 0.2})},
    {"rates": Rates(fixed={"good": 0.2})},
    {"heads": "shared"},
    {"one": task("lines", "masked_lm"), "other": task("good")},
]
DECIDES_NO_TRAINING = [
    with_task(name="renamed"),
    with_task(languages=("en", "sw", "th")),
    with_task(splits=Splits(train="train", dev="validation", test="other")),
    with_task(limits=Limits(test=5)),
    with_task(groups=("syntactic",)),
    with_task(licence="MIT"),
    with_task(train_task="elsewhere"),
    with_task(language_names={"sw": "Swahili"}),
    with_task(obtain="ask the authors"),
    with_task(train_language=("en",)),
    with_task(language_exponent=0.3),  # of one language
    {"rates": "uniform"},  # of one task alone
    {"heads": "shared"},
]


@pytest.mark.parametrize("change", DECIDES_A_TRAINING)
def test_id_training_changes_with_what_decides_it(change: dict[str, Any]) -> None:
    assert spec(**change).id != spec().id


@pytest.mark.parametrize("change", DECIDES_NO_TRAINING)
def test_id_training_stays_with_what_decides_nothing(change: dict[str, Any]) -> None:
    assert spec(**change).id == spec().id


def test_id_every_hyperparameter_is_tried_above() -> None:
    tried = {
        name
        for change in DECIDES_A_TRAINING
        if "hyper" in change
        for name, value in change["hyper"].model_dump().items()
        if value != getattr(Hyperparameters(lr=1e-4, steps=10), name)
    }
    assert tried == set(Hyperparameters.model_fields)


@pytest.mark.parametrize("change", DECIDES_A_MIXTURE)
def test_id_mixture_changes_with_what_decides_it(change: dict[str, Any]) -> None:
    assert spec(**with_mixture(**change)).id != spec(**with_mixture()).id


def test_id_changes_are_all_different() -> None:
    trainings = [spec(**change).id for change in DECIDES_A_TRAINING]
    assert len(set(trainings)) == len(trainings)
    mixtures = [spec(**with_mixture(**change)).id for change in DECIDES_A_MIXTURE]
    assert len(set(mixtures)) == len(mixtures)


def test_id_mixture_with_fixed_rates_heeds_whose_they_are_and_no_names() -> None:
    def mixed(one: str, other: str, fixed: str) -> str:
        members = with_mixture(
            task("good").model_copy(update={"name": one}),
            task("bad").model_copy(update={"name": other}),
        )
        return spec(**members, rates=Rates(fixed={fixed: 0.2})).id

    assert mixed("a", "b", fixed="a") != mixed("b", "a", fixed="a")
    assert mixed("a", "b", fixed="a") == mixed("b", "a", fixed="b") == mixed("a", "c", fixed="a")


@pytest.mark.parametrize(
    "change",
    [
        {"languages": ("zh", "de")},
        {"language_codes": {"de": "deu_Latn"}},
        {"beams": 4},
        {"max_new_tokens": 64},
        {"share": 0.5},
        {"add": True},
        {"seed": 1},
    ],
)
def test_id_training_changes_with_its_transform(change: dict[str, Any]) -> None:
    assert spec(**with_transform(**change)).id != spec(**with_transform()).id


@pytest.mark.parametrize("change", [{"model": "org/other"}, {"revision": "r9"}, {"batch_size": 4}])
def test_id_training_leaves_to_the_data_revision_what_a_transform_reads(
    change: dict[str, Any],
) -> None:
    assert spec(**with_transform(**change)).id == spec(**with_transform()).id


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"labels": ("b", "a")}, True),
        ({"splits": Splits(train="train[:50%]", dev="validation")}, True),
        ({"limits": Limits(train=5)}, True),
        ({"source": Source(hub="org/first", row_filter={"id": "1*"})}, True),
        ({"name": "renamed"}, False),
        ({"limits": Limits(test=5)}, False),
        ({"groups": ("syntactic",)}, False),
    ],
)
def test_id_training_on_a_union_heeds_what_decides_in_its_parts(
    changed: dict[str, Any], differs: bool
) -> None:
    parts = (PARTS[0].model_copy(update=changed), PARTS[1])
    assert (spec(**with_parts(*parts)).id != spec(**with_parts()).id) is differs
    assert spec(**with_parts(*reversed(PARTS))).id != spec(**with_parts()).id


def test_id_masked_lm_on_a_phase_says_that_it_goes_on_with_its_head() -> None:
    phase = {"parent": PhaseParent(phase="0" * 24)}
    assert "lm_head" in spec(**with_mixture(), **phase).payload()
    assert "lm_head" not in spec(**with_mixture()).payload()
    assert "lm_head" not in spec(**phase).payload()


def test_id_evaluation_heeds_layers_of_a_sweep_and_no_transform() -> None:
    base = spec("evaluate").id
    plain = spec("evaluate", **with_options("retrieval")).id
    assert spec("evaluate", **with_options("retrieval", sweep_layers="all")).id != plain
    assert spec("evaluate", **with_options("retrieval", sweep_poolings=("cls",))).id != plain
    assert spec("evaluate", **with_transform()).id == base
    assert (
        spec("evaluate", **with_task(language_exponent=0.3, groups=("x",), obtain="y")).id == base
    )


def test_id_evaluation_ignores_seed_and_training_and_heeds_languages_and_lengths() -> None:
    base = spec("evaluate")
    assert spec("evaluate", seed=9).id == base.id
    assert spec("evaluate", hyper=Hyperparameters(lr=9.0, steps=99)).id == base.id
    assert spec("evaluate", hyper=Hyperparameters(max_length_tokens=64)).id != base.id
    assert spec("evaluate", **with_task(languages=("en",))).id != base.id
    assert spec("evaluate", **with_task(limits=Limits(train=5))).id == base.id
    assert spec().id != base.id


def test_id_where_user_files_lie_decides_nothing() -> None:
    here, there = (
        with_task(source=Source(files=(f"{folder}/rows.jsonl",))) for folder in ("here", "there")
    )
    assert spec(**here).id == spec(**there).id


def test_id_whole_number_written_as_float_is_the_same_phase() -> None:
    one, other = (Hyperparameters.model_validate({"lr": 1, "steps": steps}) for steps in (10, 10.0))
    assert spec(hyper=one).id == spec(hyper=other).id


def test_id_is_the_same_in_every_release() -> None:
    assert len(spec().id) == 24
    assert spec().id == PhaseSpec.model_validate_json(spec().model_dump_json()).id


def test_record_explains_itself(tmp_path: Any) -> None:
    phase = Store(tmp_path).prepare().phase(spec().id)
    phase.finish(spec(), builders.train_result(1.0), builders.provenance())
    record = phase.record()
    assert record.payload == spec().payload()
    assert record.spec == spec()
    assert Task.model_validate(record.spec_json["members"][0]["task"]).name == "good"
