"""A world small enough to train in: a base model of two layers, and tasks of every format in JSON
lines.

Words are `w00` to `w59`. A sentence is "good" where `w00` to `w09` outnumber `w10` to `w19`; a
word's tag is its number, even or odd. In the "language" `fi` a word is written with `x` instead of
`w`, so that the two share no id. All of it follows from a seed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseParent, PhaseSpec
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.results import Result
from xstilts.training.phase import Context, Report

ROOT = Path(__file__).resolve().parents[2]
WORDS = [f"{letter}{number:02d}" for letter in "wx" for number in range(60)]
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def environment() -> dict[str, str]:
    """Environment of a subprocess that imports xstilts."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def worker(*arguments: str) -> list[str]:
    """Command line of a worker process, see phase_worker.py."""
    return [sys.executable, str(ROOT / "tests" / "support" / "phase_worker.py"), *arguments]


# -- model


def tokenizer() -> Any:
    """A word-level tokenizer in XLM-R's frame."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: number for number, token in enumerate([*SPECIALS, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def config(dropout: float = 0.1) -> dict[str, Any]:
    """Settings of the model, without its vocabulary."""
    return {
        "model_type": "xlm-roberta",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 66,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }


def base_model(folder: Path, dropout: float = 0.1) -> str:
    """Writes a base model with a masked LM head and no pooler, like XLM-R's own; its path."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    settings = {k: v for k, v in config(dropout).items() if k != "model_type"}
    made = tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
        model = XLMRobertaForMaskedLM(XLMRobertaConfig(vocab_size=len(made), **settings, **ids))
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return str(folder)


# -- data


def sentence(rng: np.random.Generator, letter: str) -> list[str]:
    """Three to thirty words."""
    return [f"{letter}{number:02d}" for number in rng.integers(0, 60, rng.integers(3, 31))]


def write_rows(folder: Path, n: int = 96) -> None:
    """`<kind>/<language>/<split>.jsonl` for every format."""
    for language, letter in (("en", "w"), ("fi", "x")):
        for split, size in (("train", n), ("dev", n // 2), ("test", n // 2)):
            rng = np.random.default_rng([ord(letter), size, len(split)])
            rows = [_row(sentence(rng, letter), rng, number) for number in range(size)]
            for kind in rows[0]:
                path = folder / kind / language / f"{split}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(json.dumps(row[kind]) for row in rows) + "\n")


def _row(words: list[str], rng: np.random.Generator, number: int) -> dict[str, Any]:
    digits = [int(word[1:]) for word in words]
    good = sum(d < 10 for d in digits) > sum(10 <= d < 20 for d in digits)
    text, at = " ".join(words), int(rng.integers(0, len(words)))
    start = sum(len(word) + 1 for word in words[:at])
    answers = {"text": [words[at]], "answer_start": [start]}
    return {
        "class": {"text": text, "label": "good" if good else "bad"},
        "tags": {"tokens": words, "tags": [("even", "odd")[d % 2] for d in digits]},
        "qa": {"id": str(number), "question": words[at], "context": text, "answers": answers},
        "choice": {"context": text, "choices": [words[0], words[0][0] + "59"], "label": 0},
        "pairs": {"source_sentence": text, "target_sentence": text.replace("x", "w")},
        "text": {"text": text},
    }


FORMATS = {
    "class": ("classification", "accuracy", ("bad", "good")),
    "tags": ("tagging", "token_accuracy", ("even", "odd")),
    "qa": ("span_qa", "qa_mean", ()),
    "choice": ("multiple_choice", "accuracy", ()),
    "pairs": ("retrieval", "accuracy", ()),
    "text": ("masked_lm", "masked_accuracy", ()),
}


def task(kind: str, folder: Path, **changes: Any) -> Task:
    """The task of a kind over the rows in `folder`."""
    format_name, metric, labels = FORMATS[kind]
    values = {
        "name": kind,
        "format": format_name,
        "source": Source(files=(f"{folder}/{kind}/{{language}}/{{split}}.jsonl",)),
        "languages": ("en", "fi"),
        "splits": Splits(train="train", dev="dev", test="test"),
        "labels": labels,
        "metric": metric,
    }
    return Task(**{**values, **changes})


# -- phases


def hyper(**changes: Any) -> Hyperparameters:
    """Ten updates of eight rows, evaluated every four."""
    values = {
        "lr": 1e-3,
        "steps": 10,
        "batch_size": 8,
        "max_length_tokens": 32,
        "doc_stride_tokens": 8,
    }
    return Hyperparameters(**{**values, "eval_every_steps": 4, **changes})


def training(
    model: str, tasks: Sequence[Task], seed: int = 1, parent: Any = None, **changes: Any
) -> PhaseSpec:
    """A training on a base model, or on `parent`."""
    rates = changes.pop("rates", "proportional")
    return PhaseSpec(
        action="train",
        parent=parent or ModelParent(model=model, revision="r"),
        members=tuple(Member(task=one, data_revision="r") for one in tasks),
        rates=rates,
        hyper=hyper(**changes),
        seed=seed,
    )


def evaluation(parent: PhaseSpec | ModelParent, of: Task, **changes: Any) -> PhaseSpec:
    """An evaluation of a training or of a base model."""
    return PhaseSpec(
        action="evaluate",
        parent=PhaseParent(phase=parent.id) if isinstance(parent, PhaseSpec) else parent,
        members=(Member(task=of, data_revision="r"),),
        hyper=hyper(**changes),
    )


def context(store: Path, **changes: Any) -> Context:
    """A worker's context."""
    return Context(store=str(store), **changes)


def silent(report: Report) -> bool:
    """A reporter that lets everything go on."""
    return True


def numbers(result: Result) -> Result:
    """What of a result must be equal when a phase is run again."""
    return replace(result, seconds=0.0)
