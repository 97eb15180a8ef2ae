"""The questions that every format in `FORMATS` must answer, whatever it does besides.

A new format brings an entry in `ROWS`: a few rows with all its roles, and what a task of it needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, get_args

import datasets
import numpy as np
import pytest
import torch
import transformers
from pydantic import ValidationError

from xstilts import formats
from xstilts.data.reading.role_readers import READERS
from xstilts.formats.common import HeadModule
from xstilts.formats.encoded import EncodedSplit
from xstilts.formats.prediction import ByUse, Predicted, Predictor
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs import FORMATS, FormatName, FormatSpec
from xstilts.spec.format_specs.options import FLAT, EmbeddingOptions, FormatOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task, evaluation_payload, training_payload
from xstilts.workers.process import World

WIDTH, LAYERS = 8, 2
HYPER = Hyperparameters(max_length_tokens=16, doc_stride_tokens=4)
TEXTS = ["ab cd", "efgh a", "x", "one two three four"]
OTHERS = ["dc ba", "a", "yz", "four three"]
ROWS: dict[FormatName, dict[str, list[Any]]] = {
    "classification": {"text": TEXTS, "text_pair": OTHERS, "label": [0, 1, -1, 1]},
    "regression": {"text": TEXTS, "text_pair": OTHERS, "label": [0.5, 2.0, None, 1.0]},
    "multiple_choice": {
        "context": TEXTS,
        "question": ["cause", "effect", "", "why"],
        "prefix": ["", "so", "", ""],
        "choices": [["a", "b"], ["c", "d", "e"], ["f", "g"], ["h", "i"]],
        "label": [1, 2, 0, -1],
    },
    "tagging": {"tokens": [one.split() for one in TEXTS], "tags": [[0, 1], [1, 0], [1], [0] * 4]},
    "span_qa": {
        "id": ["p", "q", "r", "s"],
        "question": OTHERS,
        "context": TEXTS,
        "answers": [
            {"text": [one.split()[-1]], "answer_start": [one.rindex(one.split()[-1])]}
            for one in TEXTS
        ],
    },
    "retrieval": {"source_sentence": TEXTS, "target_sentence": OTHERS},
    "mining": {
        "source_sentence": [*TEXTS[:3], ""],
        "target_sentence": [*OTHERS[:2], "", "q"],
        "source_id": ["s0", "s1", "s2", ""],
        "target_id": ["t0", "t1", "", "t3"],
    },
    "dual_encoder": {
        "query": TEXTS,
        "candidate": OTHERS,
        "candidate_pair": ["", "c", "", "d"],
        "key": ["0", "1", "0", "3"],
    },
    "masked_lm": {"text": TEXTS},
}
"""Format to rows under all its roles."""
VALUES: Mapping[str, Any] = {
    "layer": 1,
    "pooling": "cls",
    "sweep_layers": (0, 2),
    "sweep_poolings": ("max",),
    "similarity": "margin",
    "neighbours": 2,
    "mask_probability": 0.4,
    "max_answer_tokens": 9,
    "max_question_tokens": 8,
    "n_best": 3,
    "no_answer": True,
    "positive_label": "no",
    "cut_off": 2,
    "logit_scale": 10.0,
}
"""Every option at another value than its default."""


@pytest.fixture(params=FORMATS)
def spec(request: pytest.FixtureRequest) -> FormatSpec:
    name: FormatName = request.param
    return FORMATS[name]


@pytest.fixture
def module(spec: FormatSpec) -> formats.Format:
    return formats.get(spec.name)


@pytest.fixture
def task(spec: FormatSpec) -> Task:
    return task_of(spec)


def task_of(spec: FormatSpec, **options: Any) -> Task:
    return Task(
        name="t",
        format=spec.name,  # type: ignore[arg-type]
        source=Source(generator="t"),
        labels=("yes", "no") if spec.labelled else (),
        metric=spec.metrics[0],
        languages=("de", "sw"),
        options=spec.options(**options),
    )


def rows_of(spec: FormatSpec) -> dict[str, list[Any]]:
    return ROWS[spec.name]  # type: ignore[index]


def encode(
    module: formats.Format, task: Task, rows: dict[str, list[Any]], tokenizer: Any
) -> EncodedSplit:
    """Rows encoded in two batches."""
    features: dict[str, list[Any]] = {}
    for first in (0, 2):
        batch = {role: values[first : first + 2] for role, values in rows.items()}
        for name, values in module.encode(batch, task, tokenizer, HYPER, first).items():
            features.setdefault(name, []).extend(values)
    return EncodedSplit(
        features=datasets.Dataset.from_dict(features),
        rows=datasets.Dataset.from_dict(rows),
        lengths=np.array(features["length"]),
        n_items=np.array(features["n_items"]),
        language="de",
    )


@pytest.fixture
def split(
    spec: FormatSpec, module: formats.Format, task: Task, spelling_tokenizer: Any
) -> EncodedSplit:
    return encode(module, task, rows_of(spec), spelling_tokenizer)


class Model(torch.nn.Module):
    """A body of embeddings alone, under one head."""

    def __init__(self, module: formats.Format, task: Task, vocabulary: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = torch.nn.Embedding(vocabulary, WIDTH)
        config: Any = SimpleNamespace(num_hidden_layers=LAYERS, vocab_size=vocabulary)
        self.head = module.Head(WIDTH, 0.0, task, config)
        self.head.tie(self.embedding.weight)

    def outputs(self, member: int, batch: dict[str, torch.Tensor]) -> Any:
        hidden: Any = self.embedding(batch["input_ids_BL"])
        if self.head.layers is not None:
            hidden = [hidden * (layer + 1) for layer in self.head.layers]
        return self.head(hidden, batch)


@pytest.fixture
def model(module: formats.Format, task: Task, spelling_tokenizer: Any) -> Model:
    return Model(module, task, len(spelling_tokenizer))


def predicted(
    module: formats.Format, task: Task, model: Any, split: EncodedSplit, **changes: Any
) -> Predicted:
    world = World(rank=0, size=1, device=torch.device("cpu"))
    predictor = Predictor(
        model=model, member=0, tokenizer=None, pad_id=1, world=world, bf16=False, **changes
    )
    return Predicted(split, module.predict(split, task, predictor))


# -- what a format says of itself


def test_every_format_is_known_by_its_name_and_has_rows_here() -> None:
    assert set(get_args(FormatName)) == set(FORMATS) == set(ROWS) == set(formats.NAMES)
    assert all(FORMATS[name].name == name for name in FORMATS)


def test_mapping_of_formats_cannot_be_changed(spec: FormatSpec) -> None:
    with pytest.raises(TypeError):
        FORMATS[spec.name] = spec  # type: ignore[index]
    with pytest.raises(AttributeError):
        spec.metrics = ()  # type: ignore[misc]


def test_spec_names_roles_that_it_has_and_that_can_be_read(spec: FormatSpec) -> None:
    assert len(set(spec.roles)) == len(spec.roles)
    named = {
        *spec.optional_roles,
        *spec.source_roles,
        *spec.text_roles,
        *spec.row_roles,
        *spec.lone_roles,
        *(spec.either_role or ()),
        *([spec.label_role] if spec.label_role else []),
    }
    assert named <= set(spec.roles) == set(rows_of(spec)) <= set(READERS)
    assert not {*spec.optional_roles} & {*spec.source_roles}
    assert spec.row_roles and {*spec.lone_roles} <= {*spec.row_roles}
    assert spec.label_role not in spec.row_roles


def test_spec_does_not_contradict_itself(spec: FormatSpec) -> None:
    assert (spec.label_role is None) == (spec.label_kind is None)
    assert spec.trained == bool(spec.text_roles)
    assert spec.trained or not (spec.whole_batches or spec.continues_head or spec.random_inputs)
    assert not (spec.tuned and spec.pooled)
    assert set(spec.head_options) <= set(spec.options.model_fields)
    assert spec.typical_characters > 0 and spec.typical_sequences > 0 and spec.batch_share > 0


def test_metrics_are_known(spec: FormatSpec) -> None:
    assert spec.metrics and set(spec.metrics) <= set(METRICS)


def test_module_has_every_part_with_the_arguments_of_the_contract(module: formats.Format) -> None:
    for name in ("encode", "collate", "predict", "decode", "tables", "readings"):
        wanted = [*inspect.signature(getattr(formats.Format, name)).parameters][1:]
        assert len(inspect.signature(getattr(module, name)).parameters) == len(wanted), name
    assert issubclass(module.Head, HeadModule)  # type: ignore[arg-type]


# -- options


def test_options_have_the_frozen_defaults(spec: FormatSpec) -> None:
    own = spec.options()
    assert {name: getattr(own, name) for name in spec.options.model_fields} == {
        name: FLAT[name] for name in spec.options.model_fields if name in FLAT
    }
    assert own.model_dump() == dict(FLAT)
    assert all(info.description for info in spec.options.model_fields.values())


def test_options_of_the_first_nine_formats_are_all_of_the_flat_form() -> None:
    assert {name for spec in FORMATS.values() for name in spec.options.model_fields} >= set(FLAT)
    assert set(VALUES) >= set(FLAT) and all(VALUES[name] != FLAT[name] for name in FLAT)


def test_option_of_several_formats_has_one_type(spec: FormatSpec) -> None:
    for name, info in spec.options.model_fields.items():
        for other in FORMATS.values():
            same = other.options.model_fields.get(name, info)
            assert (same.annotation, same.metadata) == (info.annotation, info.metadata), name


def test_options_are_written_in_the_flat_form_and_read_from_it(spec: FormatSpec) -> None:
    own = {name: VALUES[name] for name in spec.options.model_fields}
    options = spec.options(**own)
    assert options.model_dump() == {**FLAT, **own}
    assert list(options.model_dump()) == list(FLAT)
    assert spec.read_options(options.model_dump(mode="json")) == options
    assert spec.read_options(own) == options and spec.read_options({}) == spec.options()


def test_options_of_other_formats_are_refused_but_at_their_default(spec: FormatSpec) -> None:
    for name in set(FLAT) - set(spec.options.model_fields):
        assert spec.read_options({name: FLAT[name]}) == spec.options()
        with pytest.raises(ValidationError, match=f"{name} is no option of {spec.name}; it reads"):
            task_of(spec).model_validate(
                {**task_of(spec).model_dump(), "options": {name: VALUES[name]}}
            )
    with pytest.raises(ValueError, match=f"nothing_such is no option of {spec.name}"):
        spec.read_options({"nothing_such": 1})


# -- a task of the format


def test_task_has_options_of_its_formats_class_however_they_are_given(spec: FormatSpec) -> None:
    given: Any
    for given in ({}, FormatOptions(), spec.options(), dict(FLAT)):
        fields = {**task_of(spec).model_dump(exclude={"options"}), "options": given}
        assert type(Task.model_validate(fields).options) is spec.options
    fields = task_of(spec).model_dump(exclude={"options"})
    assert type(Task.model_validate(fields).options) is spec.options


def test_task_comes_back_from_json_the_same(spec: FormatSpec) -> None:
    labelled = {name: VALUES[name] for name in spec.options.model_fields}
    task = task_of(spec, **labelled)
    back = Task.model_validate_json(task.model_dump_json())
    assert back == task and back.options == task.options
    assert Task.model_validate(task.model_dump()) == task
    assert training_payload(back) == training_payload(task)
    assert evaluation_payload(back) == evaluation_payload(task)


def test_task_says_uses_and_languages(task: Task) -> None:
    assert task.uses("train") == ("train", "dev")
    assert task.uses("evaluate") == (("dev", "test") if task.spec.tuned else ("test",))
    assert task.languages_of("test") == ("de", "sw")
    assert task.languages_of("train") == ("en",)
    assert task.languages_of("dev") == (("de", "sw") if task.spec.tuned else ("en",))
    assert task.trainable == task.spec.trained and task.label_role == task.spec.label_role


# -- encoding and batches


def test_encode_gives_the_promised_columns(
    spec: FormatSpec, module: formats.Format, spelling_tokenizer: Any
) -> None:
    short = {name: 8 for name in spec.options.model_fields if name == "max_question_tokens"}
    split = encode(module, task_of(spec, **short), rows_of(spec), spelling_tokenizer)
    assert {"input_ids", "row", "n_items", "length"} <= set(split.features.column_names)
    rows = split.features["row"][:]
    assert rows == sorted(rows) and set(rows) <= set(range(4))
    assert min(split.n_items) >= 0 and min(split.lengths) > 0
    for ids, length in zip(split.features["input_ids"][:], split.lengths, strict=True):
        sequences = ids if isinstance(ids[0], list) else [ids]
        assert sum(map(len, sequences)) == length
        assert all(len(one) <= HYPER.max_length_tokens for one in sequences)


def test_encode_needs_neither_optional_roles_nor_those_of_some_sources(
    spec: FormatSpec, module: formats.Format, task: Task, spelling_tokenizer: Any
) -> None:
    absent = {*spec.optional_roles, *spec.source_roles}
    rows = {role: values for role, values in rows_of(spec).items() if role not in absent}
    assert len(encode(module, task, rows, spelling_tokenizer)) > 0


def test_format_has_loss_items_where_it_is_trained(spec: FormatSpec, split: EncodedSplit) -> None:
    assert (split.n_items.sum() > 0) == spec.trained


def test_collate_gives_padded_tensors_with_one_entry_of_attention_a_token(
    module: formats.Format, split: EncodedSplit
) -> None:
    everything = split.features.__getitems__(list(range(len(split))))
    batch = module.collate(everything, 1, None)
    assert {"input_ids_BL", "attention_mask_BL"} <= set(batch)
    assert batch["input_ids_BL"].shape == batch["attention_mask_BL"].shape
    assert batch["input_ids_BL"].shape[1] % 8 == 0
    assert all(value.dtype in (torch.int64, torch.float32) for value in batch.values())
    assert int(batch["attention_mask_BL"].sum()) == split.lengths.sum()


def test_collate_draws_only_where_the_spec_says_so(
    spec: FormatSpec, module: formats.Format, split: EncodedSplit
) -> None:
    features = split.features.__getitems__(list(range(len(split))))
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    module.collate(features, 1, generator)
    assert torch.equal(before, generator.get_state()) != spec.random_inputs
    one, other = (module.collate(features, 1, None) for _ in range(2))
    assert all(torch.allclose(one[name], other[name], 0, 0, equal_nan=True) for name in one)


# -- head


def test_head_has_an_output_a_feature_and_a_loss_where_it_is_trained(
    spec: FormatSpec, module: formats.Format, split: EncodedSplit, model: Model
) -> None:
    batch = module.collate(split.features.__getitems__(list(range(len(split)))), 1, None)
    logits, loss = model.outputs(0, batch)
    assert len(logits) == len(split)
    assert (loss is not None) == spec.trained
    if loss is not None:
        assert loss.ndim == 0 and loss.isfinite() and loss > 0
        loss.backward()


@pytest.mark.parametrize("spec", [one for one in FORMATS.values() if one.trained])
def test_loss_is_the_sum_over_features_but_of_whole_batches(
    spec: FormatSpec, module: formats.Format, split: EncodedSplit, model: Model
) -> None:
    def loss_of(rows: list[int]) -> float:
        batch = module.collate(split.features.__getitems__(rows), 1, None)
        return float(model.outputs(0, batch)[1].detach())

    every = list(range(len(split)))
    together, alone = loss_of(every), [loss_of([row]) for row in every]
    assert (sum(alone) == pytest.approx(together, rel=1e-5)) != spec.whole_batches
    for loss, items in zip(alone, split.n_items, strict=True):
        assert items or loss == 0


def test_head_has_weights_where_it_is_trained_and_base_names_where_it_continues_one(
    spec: FormatSpec, model: Model
) -> None:
    assert bool(model.head.state_dict()) == spec.trained  # type: ignore[attr-defined]
    assert bool(model.head.base_names) == spec.continues_head


# -- exporting


def test_exported_head_has_a_class_of_transformers_and_a_place_for_every_tensor(
    spec: FormatSpec, module: formats.Format, task: Task, model: Model
) -> None:
    exported = module.exported
    assert hasattr(transformers, exported.model_class) and exported.pipeline
    head: Any = model.head
    kept = [name for name in head.state_dict() if name not in exported.dropped]
    assert bool(exported.layers) == bool(kept) == spec.trained
    for layers in exported.layers:
        assert all(any(name.startswith(own) for own in layers) for name in kept)
    names = exported.settings(task).get("id2label", {})
    assert not spec.labelled or list(names.values()) == list(task.labels)


# -- predicting and decoding


def test_predictions_are_one_a_feature_and_each_goes_through_the_keeper(
    module: formats.Format, task: Task, split: EncodedSplit, model: Model
) -> None:
    kept = predicted(module, task, model, split, keep=lambda row, one: (row, one)).kept
    assert [row for row, _ in kept] == list(range(len(split)))


def test_predictions_do_not_depend_on_how_features_are_batched(
    module: formats.Format,
    task: Task,
    split: EncodedSplit,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = module.decode(predicted(module, task, model, split).kept, split, task)
    monkeypatch.setitem(formats.prediction.BATCH_TOKENS, "cpu", 1)  # type: ignore[attr-defined]
    single = module.decode(predicted(module, task, model, split).kept, split, task)
    assert single["id"] == whole["id"]
    for one, other in zip(single["prediction"], whole["prediction"], strict=True):
        assert one == (pytest.approx(other, abs=1e-6) if isinstance(other, float) else other)


def test_decode_gives_the_statistics_of_every_metric(
    spec: FormatSpec, module: formats.Format, task: Task, split: EncodedSplit, model: Model
) -> None:
    check(module.decode(predicted(module, task, model, split).kept, split, task), spec)


def check(table: dict[str, list[Any]], spec: FormatSpec) -> None:
    """A table has one length, ids that differ, and what every metric needs."""
    assert {"id", "prediction", "gold"} <= set(table)
    assert {len(values) for values in table.values()} == {len(table["id"])} != {0}
    assert len(set(table["id"])) == len(table["id"])
    for name in spec.metrics:
        assert {*METRICS[name].statistics} <= set(table), name
        assert -100 <= METRICS[name].of(table) <= 100


def test_tables_of_languages_are_those_of_an_evaluation(
    spec: FormatSpec, module: formats.Format, task: Task, split: EncodedSplit, model: Model
) -> None:
    of_one: ByUse = {use: predicted(module, task, model, split) for use in task.uses("evaluate")}
    tables = module.tables({"de": of_one, "sw": of_one}, task)
    assert list(tables) == ["de", "sw"]
    for table in tables.values():
        check(table, spec)
    if not (spec.tuned or spec.pooled):
        assert tables["de"] == module.decode(of_one["test"].kept, split, task)
    if not spec.pooled:
        assert tables["sw"] == module.tables({"sw": of_one}, task)["sw"]


def test_readings_begin_with_the_tasks_own_and_have_nothing_to_tell_without_a_sweep(
    module: formats.Format, task: Task, split: EncodedSplit, model: Model
) -> None:
    of_one: ByUse = {use: predicted(module, task, model, split) for use in task.uses("evaluate")}
    readings = list(module.readings(of_one, task, LAYERS))
    assert [told for told, _ in readings] == [{}]
    own = module.tables({"de": readings[0][1]}, task)
    assert own == module.tables({"de": of_one}, task)


@pytest.mark.parametrize(
    "spec", [one for one in FORMATS.values() if issubclass(one.options, EmbeddingOptions)]
)
def test_sweep_of_hidden_states_has_a_reading_for_each_that_differs_from_its_own_in_words(
    spec: FormatSpec, module: formats.Format, spelling_tokenizer: Any
) -> None:
    task = task_of(spec, sweep_layers=(0, 1), sweep_poolings=("max",))
    split = encode(module, task, rows_of(spec), spelling_tokenizer)
    model = Model(module, task, len(spelling_tokenizer))
    of_one: ByUse = {use: predicted(module, task, model, split) for use in task.uses("evaluate")}
    readings = list(module.readings(of_one, task, LAYERS))
    assert readings[0][0] == {"layer": LAYERS, "pooling": "mean"}
    assert len({tuple(told.items()) for told, _ in readings}) == len(readings) == 5
    for _, one in readings:
        check(module.tables({"de": one}, task)["de"], spec)
