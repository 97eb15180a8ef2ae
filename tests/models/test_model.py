"""Loading and writing models: nothing missing, nothing left over, heads where they belong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from tests.support import toy
from xstilts.errors import CorruptError, DataError, PhaseError, StoreError
from xstilts.models import model
from xstilts.sources.context import DataContext
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.phase import ModelParent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.store.phases import Store
from xstilts.training.phase import run_phase


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows")
    return folder


@pytest.fixture
def base(world: Path, tmp_path: Path) -> Path:
    """A base model that a test may break."""
    return Path(shutil.copytree(world / "base", tmp_path / "base"))


@pytest.fixture(scope="module")
def trained(world: Path) -> PhaseSpec:
    """A training that is done, in the store `world / "store"`."""
    spec = toy.training(
        str(world / "base"), [toy.task("class", world / "rows"), toy.task("tags", world / "rows")]
    )
    run_phase(spec, toy.context(world / "store"), toy.silent)
    return spec


def load(spec: PhaseSpec, store: Path) -> model.LoadedModel:
    return model.load(spec, Store(store), DataContext(cache=str(store / "data")))


def spec_on(base: Path, world: Path, kind: str = "class", **changes: Any) -> PhaseSpec:
    return toy.training(str(base), [toy.task(kind, world / "rows")], **changes)


def edit(base: Path, change: Any) -> None:
    tensors = load_file(base / "model.safetensors")
    change(tensors)
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})


def test_base_model_gives_its_encoder_without_pooler_and_head(
    base: Path, world: Path, tmp_path: Path
) -> None:
    body = load(spec_on(base, world), tmp_path).model.body
    stored = load_file(base / "model.safetensors")
    assert body.pooler is None
    for name, value in body.state_dict().items():
        assert torch.equal(value, stored["roberta." + name]), name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda t: t.pop("roberta.encoder.layer.1.output.dense.weight"),
            "missing: encoder.layer.1",
        ),
        (
            lambda t: t.update({"roberta.encoder.layer.9.extra": torch.zeros(2)}),
            "not of this model: .*layer.9",
        ),
        (lambda t: t.update({"roberta.embeddings.LayerNorm.weight": torch.zeros(5)}), "LayerNorm"),
    ],
)
def test_base_model_with_other_tensors_is_an_error(
    base: Path, world: Path, tmp_path: Path, change: Any, says: str
) -> None:
    edit(base, change)
    with pytest.raises(DataError, match=says):
        load(spec_on(base, world), tmp_path)


def test_base_model_truncated_is_a_corrupt_error(base: Path, world: Path, tmp_path: Path) -> None:
    file = base / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(CorruptError, match="damaged"):
        load(spec_on(base, world), tmp_path)


def test_base_model_as_a_pickle_is_refused(base: Path, world: Path, tmp_path: Path) -> None:
    torch.save(load_file(base / "model.safetensors"), base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()
    with pytest.raises(DataError, match="safetensors"):
        load(spec_on(base, world), tmp_path)


def test_base_model_without_configuration_is_an_error(
    base: Path, world: Path, tmp_path: Path
) -> None:
    (base / "config.json").write_text("{")
    with pytest.raises(DataError, match="can't be loaded"):
        load(spec_on(base, world), tmp_path)


def test_fresh_heads_depend_on_the_seed_and_the_member_alone(world: Path, tmp_path: Path) -> None:
    task = toy.task("class", world / "rows")
    spec = toy.training(
        str(world / "base"), [task, toy.task("class", world / "rows", name="again")]
    )
    first = load(spec, tmp_path).model.heads
    torch.rand(100)
    second = load(spec, tmp_path).model.heads
    other = load(spec.model_copy(update={"seed": 2}), tmp_path).model.heads

    def matrix(head: torch.nn.Module) -> torch.Tensor:
        return next(p for p in head.parameters() if p.ndim == 2)

    assert torch.equal(matrix(first[0]), matrix(second[0]))
    assert not torch.equal(matrix(first[0]), matrix(first[1]))
    assert not torch.equal(matrix(first[0]), matrix(other[0]))


def test_scratch_model_depends_on_the_seed_alone_and_has_the_tokenizers_vocabulary(
    world: Path, tmp_path: Path
) -> None:
    parent = ScratchParent(
        config=toy.config(), tokenizer=str(world / "base"), tokenizer_revision="r"
    )
    spec = spec_on(world / "base", world, "text", parent=parent)
    one = load(spec, tmp_path)
    torch.rand(7)
    two, other = load(spec, tmp_path), load(spec.model_copy(update={"seed": 9}), tmp_path)
    assert (
        one.model.body.config.vocab_size == len(one.tokenizer) == len(toy.SPECIALS) + len(toy.WORDS)
    )
    assert one.model.body.config.pad_token_id == one.pad_id == 1
    weights = [loaded.model.body.embeddings.word_embeddings.weight for loaded in (one, two, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    "config", [{"model_type": "none"}, {"model_type": "bert", "num_hidden_layers": "many"}]
)
def test_scratch_model_of_a_wrong_config_is_an_error(
    world: Path, tmp_path: Path, config: dict[str, Any]
) -> None:
    parent = ScratchParent(config=config, tokenizer=str(world / "base"), tokenizer_revision="r")
    with pytest.raises(DataError, match="makes no model"):
        load(spec_on(world / "base", world, "text", parent=parent), tmp_path)


# -- checkpoints of phases


def test_checkpoint_opens_with_auto_model(world: Path, trained: PhaseSpec) -> None:
    folder = Store(world / "store").phase(trained.id).checkpoint()
    ours = load(
        spec_on(world, world, parent=PhaseParent(phase=trained.id)), world / "store"
    ).model.body.eval()
    theirs = AutoModel.from_pretrained(folder).eval()
    batch = AutoTokenizer.from_pretrained(folder)(["w01 w02 x03"], return_tensors="pt")
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    assert torch.equal(ours(**inputs).last_hidden_state, theirs(**inputs).last_hidden_state)


def test_checkpoint_holds_a_head_for_each_member(world: Path, trained: PhaseSpec) -> None:
    folder = Store(world / "store").phase(trained.id).checkpoint()
    entries = json.loads((folder / "heads.json").read_text())
    assert [(e["format"], e["task"], e["labels"]) for e in entries] == [
        ("classification", "class", ["bad", "good"]),
        ("tagging", "tags", ["even", "odd"]),
    ]
    assert all((folder / e["file"]).exists() for e in entries)


def test_checkpoint_gives_an_evaluation_its_own_head(world: Path, trained: PhaseSpec) -> None:
    loaded = load(toy.evaluation(trained, toy.task("tags", world / "rows")), world / "store")
    stored = load_file(Store(world / "store").phase(trained.id).checkpoint() / "head-1.safetensors")
    assert all(
        torch.equal(value, stored[name])
        for name, value in loaded.model.heads[0].state_dict().items()
    )


def test_checkpoint_without_the_head_that_is_needed_is_an_error(
    world: Path, trained: PhaseSpec
) -> None:
    with pytest.raises(PhaseError, match=r"classification \(class\), tagging \(tags\)"):
        load(toy.evaluation(trained, toy.task("qa", world / "rows")), world / "store")
    with pytest.raises(PhaseError, match="head with labels"):
        load(
            toy.evaluation(trained, toy.task("class", world / "rows", labels=("a", "b"))),
            world / "store",
        )


def test_checkpoint_of_a_phase_without_record_is_an_error(world: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has no record"):
        load(spec_on(world, world, parent=PhaseParent(phase="0" * 24)), tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "missing tensor", "no config"])
def test_checkpoint_that_is_damaged_is_a_corrupt_error(
    world: Path, trained: PhaseSpec, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(world / "store", tmp_path / "store")
    folder = Store(tmp_path / "store").phase(trained.id).checkpoint()
    file = folder / "model.safetensors"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "no config":
        (folder / "config.json").unlink()
    else:
        edit(folder, lambda t: t.pop("encoder.layer.0.output.dense.weight"))
    with pytest.raises(CorruptError, match="damaged"):
        load(spec_on(world, world, parent=PhaseParent(phase=trained.id)), tmp_path / "store")


def test_checkpoint_with_a_truncated_head_is_a_corrupt_error(
    world: Path, trained: PhaseSpec, tmp_path: Path
) -> None:
    shutil.copytree(world / "store", tmp_path / "store")
    file = Store(tmp_path / "store").phase(trained.id).checkpoint() / "head-0.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CorruptError, match="damaged"):
        load(toy.evaluation(trained, toy.task("class", world / "rows")), tmp_path / "store")


# -- base models without training


def test_base_masked_lm_head_is_the_models_own(world: Path, tmp_path: Path) -> None:
    loaded = load(spec_on(world / "base", world, "text"), tmp_path)
    whole = AutoModelForMaskedLM.from_pretrained(world / "base").eval()
    ids = torch.tensor([[0, 9, 4, 11, 12, 13, 14, 2]])
    labels = torch.full_like(ids, -100)
    labels[0, 2] = 10
    batch = {"input_ids_BL": ids, "attention_mask_BL": torch.ones_like(ids), "labels_BL": labels}
    predicted, loss_sum = loaded.model.eval().outputs(0, batch)
    out = whole(input_ids=ids, attention_mask=batch["attention_mask_BL"], labels=labels)
    assert loss_sum.item() == pytest.approx(out.loss.item(), rel=1e-5)
    assert predicted[0, 2] == out.logits[0, 2].argmax()


def test_base_model_evaluated_on_a_task_it_was_not_trained_for_is_an_error(
    world: Path, tmp_path: Path
) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    with pytest.raises(PhaseError, match="no trained head"):
        load(toy.evaluation(parent, toy.task("class", world / "rows")), tmp_path)


def test_retrieval_from_a_layer_the_model_lacks_is_an_error(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    with pytest.raises(PhaseError, match="hidden states 0 to 2"):
        load(
            toy.evaluation(
                parent, toy.task("pairs", world / "rows", options=RetrievalOptions(layer=3))
            ),
            tmp_path,
        )


def test_forward_pools_the_hidden_state_that_was_asked_for(world: Path, tmp_path: Path) -> None:
    parent = ModelParent(model=str(world / "base"), revision="r")
    ids = torch.tensor([[0, 9, 10, 11, 2]])
    batch = {"input_ids_BL": ids, "attention_mask_BL": torch.ones_like(ids)}
    spec = toy.evaluation(
        parent, toy.task("pairs", world / "rows", options=RetrievalOptions(layer=1))
    )
    loaded = load(spec, tmp_path).model.eval()
    pooled, loss = loaded.outputs(0, batch)
    hidden = loaded.body(
        input_ids=ids, attention_mask=batch["attention_mask_BL"], output_hidden_states=True
    )
    assert loss is None
    assert torch.allclose(pooled, hidden.hidden_states[1].mean(dim=1), atol=1e-6)


# -- token types


@pytest.fixture(scope="module")
def bert(world: Path) -> Path:
    """A tiny BERT: two token types, `[CLS] a [SEP] b [SEP]`."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *toy.WORDS]
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)})
    settings = {k: v for k, v in toy.config().items() if k not in ("model_type", "type_vocab_size")}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        BertModel(BertConfig(vocab_size=len(words), type_vocab_size=2, **settings)).save_pretrained(
            world / "bert"
        )
    tokenizer.save_pretrained(world / "bert")
    return world / "bert"


TEXTS = ["w01 w02", "w03", "w04 w05 w06 w07 w08 w09 w10"]


@pytest.mark.parametrize("pairs", [["w11 w12 w13", "w14 w15 w16 w17", "w18"], None])
def test_token_types_are_the_tokenizers_own(
    world: Path, tmp_path: Path, bert: Path, pairs: list[str] | None
) -> None:
    loaded = load(spec_on(bert, world), tmp_path)
    body = loaded.model.eval().body
    theirs = loaded.tokenizer(TEXTS, pairs, padding=True, return_tensors="pt")
    assert theirs["token_type_ids"].any() == (pairs is not None)
    batch = {"input_ids_BL": theirs["input_ids"], "attention_mask_BL": theirs["attention_mask"]}
    made = loaded.model.token_types(loaded.model.heads[0], batch)
    assert torch.equal(made["token_type_ids"], theirs["token_type_ids"])
    expected, _ = loaded.model.heads[0](body(**theirs).last_hidden_state, batch)
    assert torch.equal(loaded.model.outputs(0, batch)[0], expected)


def test_token_types_of_a_masked_lm_are_all_the_first(
    world: Path, tmp_path: Path, bert: Path
) -> None:
    loaded = load(spec_on(bert, world, "text"), tmp_path).model
    ids = torch.tensor([[2, 9, 3, 10, 3]])
    assert (
        loaded.token_types(
            loaded.heads[0], {"input_ids_BL": ids, "attention_mask_BL": torch.ones_like(ids)}
        )
        == {}
    )


def test_token_types_are_not_given_to_a_body_without_them(world: Path, tmp_path: Path) -> None:
    loaded = load(spec_on(world / "base", world), tmp_path).model
    assert loaded.separator is None


def test_save_that_fails_leaves_nothing(world: Path, tmp_path: Path) -> None:
    loaded = load(spec_on(world / "base", world), tmp_path / "store")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError):
        model.save(
            loaded.model,
            loaded.tokenizer,
            [toy.task("class", world / "rows")],
            tmp_path / "file" / "model",
        )
    assert sorted(p.name for p in tmp_path.iterdir()) in (["file"], ["file", "store"])
