"""An exported checkpoint gives the predictions that are stored, opened by transformers alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    pipeline,
)

from tests.support import toy
from xstilts import formats
from xstilts.models import exported, heads, model
from xstilts.models.exported import NoPlace
from xstilts.models.model import LoadedModel, PhaseModel
from xstilts.sources.context import DataContext
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.task import UNSEEN, Source, Task
from xstilts.store.phases import Store
from xstilts.training.phase import run_phase

LENGTH = 32


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows", 24)
    return folder


# -- against stored predictions


def evaluated(world: Path, kind: str, trained: str = "", **changes: Any) -> tuple[Path, list[Any]]:
    """The exported folder of a trained phase, and the stored predictions in English."""
    task = toy.task(kind, world / "rows", **changes)
    training = toy.training(str(world / "base"), [toy.task(trained or kind, world / "rows")])
    evaluation = toy.evaluation(training, task)
    for spec in (training, evaluation):
        run_phase(spec, toy.context(world / "store"), toy.silent)
    store, out = Store(world / "store"), world / "out" / kind
    out.mkdir(parents=True)
    loaded = model.load(evaluation, store, DataContext(cache=str(store.data)))
    exported.write(loaded, task, out, max_length_tokens=LENGTH)
    return out, store.phase(evaluation.id).predictions("en")["prediction"].to_pylist()


def rows(world: Path, kind: str) -> list[dict[str, Any]]:
    lines = (world / "rows" / kind / "en" / "test.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_pipeline_gives_the_stored_label_of_every_text(world: Path) -> None:
    out, stored = evaluated(world, "class")
    classify = pipeline("text-classification", model=str(out), device="cpu")
    found = classify([row["text"] for row in rows(world, "class")], truncation=True, top_k=2)
    assert [one[0]["label"] for one in found] == stored
    assert {one["label"] for one in found[0]} == {"bad", "good"}


def test_pipeline_gives_the_stored_tag_of_every_word(world: Path) -> None:
    out, stored = evaluated(world, "tags")
    tagger = pipeline("token-classification", model=str(out), device="cpu")
    found = tagger([" ".join(row["tokens"]) for row in rows(world, "tags")])
    assert [[one["entity"] for one in words] for words in found] == list(map(json.loads, stored))
    assert AutoConfig.from_pretrained(out).label2id == {"even": 0, "odd": 1}


def test_best_span_of_the_opened_model_is_the_stored_answer(world: Path) -> None:
    out, stored = evaluated(world, "qa")
    tokenizer = AutoTokenizer.from_pretrained(out)
    answers = AutoModelForQuestionAnswering.from_pretrained(out)
    same = 0
    for row, answer in zip(rows(world, "qa"), stored, strict=True):
        ids = tokenizer(
            row["question"], row["context"], return_offsets_mapping=True, return_tensors="pt"
        )
        if ids["input_ids"].shape[1] > LENGTH:
            continue  # is read in windows
        places = ids.pop("offset_mapping")[0].tolist()
        with torch.inference_mode():
            scores = answers(**ids)
        inside = [i for i, side in enumerate(ids.sequence_ids(0)) if side == 1]
        best = max(
            ((i, j) for i in inside for j in inside if 0 <= j - i < 30),
            key=lambda s: float(scores.start_logits[0, s[0]] + scores.end_logits[0, s[1]]),
        )
        assert row["context"][places[best[0]][0] : places[best[1]][1]] == answer
        same += 1
    assert same > 3


def test_best_choice_of_the_opened_model_is_the_stored_one(world: Path) -> None:
    out, stored = evaluated(world, "choice")
    tokenizer = AutoTokenizer.from_pretrained(out)
    choose = AutoModelForMultipleChoice.from_pretrained(out)
    for row, number in zip(rows(world, "choice"), stored, strict=True):
        pairs = tokenizer(
            [row["context"]] * 2, row["choices"], truncation=True, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            scores = choose(**{name: value[None] for name, value in pairs.items()}).logits
        assert str(int(scores.argmax())) == number


def test_nearest_vectors_of_the_opened_model_are_the_stored_neighbours(world: Path) -> None:
    out, stored = evaluated(world, "pairs", "class", options=RetrievalOptions(layer=1))
    vectors = pipeline("feature-extraction", model=str(out), device="cpu")

    def means(role: str) -> Any:
        found = vectors([row[role] for row in rows(world, "pairs")])
        pooled = np.stack([np.asarray(one[0]).mean(axis=0) for one in found])
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    nearest = (means("target_sentence") @ means("source_sentence").T).argmax(axis=1)
    assert [str(row) for row in nearest] == stored
    assert AutoConfig.from_pretrained(out).num_hidden_layers == 1


def test_fill_mask_gives_the_stored_token_of_every_mask(world: Path) -> None:
    out, stored = evaluated(world, "text")
    tokenizer = AutoTokenizer.from_pretrained(out)
    fill = AutoModelForMaskedLM.from_pretrained(out)
    assert pipeline("fill-mask", model=str(out), device="cpu")("w01 <mask> w03")[0]["token"] >= 0
    assert torch.equal(fill.get_output_embeddings().weight, fill.get_input_embeddings().weight)
    assert tokenizer.mask_token == "<mask>" and len(stored) > 1


# -- every format and several architectures, with fresh heads


def tokenizer(*, segments: bool) -> Any:
    """A word-level tokenizer in the frame of BERT (`segments`) or XLM-R."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    made = toy.tokenizer()
    pair = "<s> $A </s> $B:1 </s>:1" if segments else "<s> $A </s> </s> $B </s>"
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = ["input_ids", *(["token_type_ids"] if segments else []), "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=made.backend_tokenizer, model_input_names=names, **made.special_tokens_map
    )


def fresh(model_type: str, task: Task) -> LoadedModel:
    """A body of an architecture with random weights, and a fresh head."""
    made = tokenizer(segments=model_type in ("bert", "albert", "electra"))
    settings: dict[str, Any] = {
        "vocab_size": len(made),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 66,
        "pad_token_id": 1,
        "initializer_range": 0.3,
    }
    if model_type == "distilbert":
        settings |= {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    if model_type in ("bert", "albert", "electra"):
        settings |= {"type_vocab_size": 2, "embedding_size": 16}
    torch.manual_seed(1)
    body = AutoModel.from_config(AutoConfig.for_model(model_type, **settings)).eval()
    model._drop_pooler(body)
    head = heads.fresh(task, body, 3)
    separator = model._separator(made, body.config)
    return LoadedModel(model=PhaseModel(body, [head], [0], separator), tokenizer=made)


def task_of(format_name: str, **fields: Any) -> Task:
    labelled = FORMATS[format_name].labelled  # type: ignore[index]
    values = {
        "name": "t",
        "format": format_name,
        "source": Source(generator="t"),
        "labels": ("no", "yes", "maybe") if labelled else (),
        "metric": FORMATS[format_name].metrics[0],  # type: ignore[index]
    }
    return Task(**{**values, **fields})


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_is_exported_on_the_architectures_that_it_is_made_for(
    format_name: str, model_type: str, tmp_path: Path
) -> None:
    task = task_of(format_name)
    exported.write(fresh(model_type, task), task, tmp_path, max_length_tokens=LENGTH)
    made = AutoConfig.from_pretrained(tmp_path)
    stated = formats.get(format_name).exported
    assert made.architectures and made.problem_type == stated.settings(task).get("problem_type")
    assert AutoTokenizer.from_pretrained(tmp_path).model_max_length == LENGTH


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert", "albert"])
def test_pair_of_texts_read_by_the_exported_tokenizer_scores_as_ours(
    model_type: str, tmp_path: Path
) -> None:
    task = task_of("classification")
    loaded = fresh(model_type, task)
    exported.write(loaded, task, tmp_path, max_length_tokens=LENGTH)
    batch: dict[str, list[Any]] = {"text": ["w01 w02 w03"], "text_pair": ["w09"], "label": ["no"]}
    module = formats.get("classification")
    features = module.encode(batch, task, loaded.tokenizer, toy.hyper(), 0)
    collated = module.collate([{n: v[0] for n, v in features.items()}], 1, None)
    opened = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    ids = AutoTokenizer.from_pretrained(tmp_path)("w01 w02 w03", "w09", return_tensors="pt")
    with torch.inference_mode():
        ours, _ = loaded.model.eval().outputs(0, collated)
        theirs = opened(**ids).logits
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ("token_type_ids" in ids) == (model_type != "xlm-roberta")


@pytest.mark.parametrize(
    ("model_type", "format_name", "said"),
    [
        ("electra", "classification", "computes something else with these layers: its outputs"),
        ("distilbert", "classification", "has no place for the layers of a classification head"),
        ("distilbert", "masked_lm", "has no place for the layers of a masked_lm head"),
        ("esm", "multiple_choice", "transformers has no ModelForMultipleChoice for esm"),
    ],
)
def test_head_that_transformers_computes_otherwise_is_refused(
    model_type: str, format_name: str, said: str, tmp_path: Path
) -> None:
    task = task_of(format_name)
    with pytest.raises(NoPlace, match=said):
        exported.write(fresh(model_type, task), task, tmp_path, max_length_tokens=LENGTH)


@pytest.mark.parametrize("model_type", ["electra", "distilbert"])
def test_linear_heads_are_exported_on_other_architectures_too(
    model_type: str, tmp_path: Path
) -> None:
    for format_name in ("tagging", "span_qa"):
        task, out = task_of(format_name), tmp_path / format_name
        out.mkdir()
        exported.write(fresh(model_type, task), task, out, max_length_tokens=LENGTH)
        assert (out / "model.safetensors").is_file()


def test_class_with_another_activation_is_found_by_its_numbers(tmp_path: Path) -> None:
    task = task_of("masked_lm")
    loaded = fresh("bert", task)
    loaded.model.body.config.hidden_act = "relu"  # BERT's own head uses it too
    with pytest.raises(NoPlace, match="computes something else"):
        exported.write(loaded, task, tmp_path, max_length_tokens=LENGTH)


def test_label_for_tags_that_were_never_seen_is_left_out(tmp_path: Path) -> None:
    task = task_of("tagging", labels=("N", "V", UNSEEN))
    loaded = fresh("xlm-roberta", task)
    exported.write(loaded, task, tmp_path, max_length_tokens=LENGTH)
    opened = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert opened.config.id2label == {0: "N", 1: "V"}
    assert torch.equal(opened.classifier.weight, loaded.model.heads[0].out.weight[:2])  # type: ignore[index,union-attr]


def test_hidden_state_below_a_final_norm_cannot_be_cut_out(tmp_path: Path) -> None:
    task = task_of("retrieval", options=RetrievalOptions(layer=1))
    with pytest.raises(NoPlace, match="computes something else"):
        exported.write(fresh("xlm-roberta-xl", task), task, tmp_path, max_length_tokens=LENGTH)


def test_body_alone_is_written_whole_and_without_a_head(tmp_path: Path) -> None:
    task = task_of("retrieval", options=RetrievalOptions(layer=1))
    loaded = fresh("xlm-roberta", task)
    exported.write_body(loaded, tmp_path, max_length_tokens=LENGTH)
    stored, own = load_file(tmp_path / "model.safetensors"), loaded.model.body.state_dict()
    assert stored.keys() == own.keys()
    assert all(torch.equal(stored[name], value) for name, value in own.items())


def test_tokenizer_that_reads_otherwise_is_refused(tmp_path: Path) -> None:
    tokenizer(segments=True).save_pretrained(tmp_path)
    loaded = fresh("xlm-roberta", task_of("tagging"))
    with pytest.raises(NoPlace, match="reads the written tokenizer as another"):
        exported._compare_tokenizers(loaded, tmp_path)


def test_tokenizer_of_the_phase_keeps_its_length(tmp_path: Path) -> None:
    task = task_of("tagging")
    loaded = fresh("xlm-roberta", task)
    before = loaded.tokenizer.model_max_length
    exported.write(loaded, task, tmp_path, max_length_tokens=16)
    assert loaded.tokenizer.model_max_length == before
