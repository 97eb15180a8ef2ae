"""Which class of transformers a trained head goes into, and how the two are compared.

An export writes an ordinary transformers model, so the head's layers must stand where a class of
transformers looks for them, and that class must compute the same with them. Every format states one
`Exported`. What it states is a claim: `models/exported.py` opens what it wrote with that class and
compares the outputs, so a class that has the layers and another activation is found out.

`B` sequences of a batch, `L` tokens, `H` hidden width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xstilts.formats.embedding import pool
from xstilts.spec.format_specs.options import EmbeddingOptions
from xstilts.spec.task import UNSEEN

if TYPE_CHECKING:
    from xstilts.spec.task import Task

BODY = "{body}"
"""In a layer's name: the class's prefix of the body (`roberta.`, `bert.`; empty for a bare body).
"""
Batch = Mapping[str, Tensor]
Layers = Mapping[str, str]
"""Prefix of a tensor's name in our head to its prefix in the class."""


def nothing_more(batch: Batch) -> dict[str, Tensor]:
    """What most heads need of a batch beside the ids and their mask."""
    return {}


def its_logits(outputs: Any, batch: Batch, task: Task) -> Tensor:
    """The class's `logits`."""
    logits: Tensor = outputs.logits
    return logits


def our_logits(logits: Tensor, loss: Tensor | None) -> Tensor:
    """What our head gives first."""
    return logits


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A head's place in transformers."""

    model_class: str
    """Name of the class in transformers (`AutoModelForTokenClassification`)."""
    pipeline: str
    """Name of transformers' pipeline, and of the task on the hub."""
    use: Callable[[Task], str]
    """How the model is used, as Markdown; `{name}` stands for its name."""
    layers: tuple[Layers, ...] = ()
    """Where the head's layers may stand; the first that the architecture has is taken."""
    dropped: tuple[str, ...] = ()
    """Tensors of the head that only a training reads."""
    settings: Callable[[Task], dict[str, Any]] = lambda task: {}
    """What the configuration says of the head: its labels, its kind of problem."""
    more: Callable[[Batch], dict[str, Tensor]] = nothing_more
    """What our head needs of a batch beside the ids and their mask."""
    ours: Callable[[Tensor, Tensor | None], Tensor] = our_logits
    """What is compared of our head's outputs."""
    theirs: Callable[[Any, Batch, Task], Tensor] = its_logits
    """The same of the class's outputs."""
    choices: bool = False
    """Whether the class takes the sequences of a batch as the choices of one row."""


def code(*lines: str) -> str:
    """A block of Python that makes `tokenizer` or a pipeline of the model called `{name}`."""
    return "\n".join(["```python", *lines, "```"])


def piped(pipeline: str, call: str, note: str) -> Callable[[Task], str]:
    """How a model with a pipeline is used: a call of `model`, and a note."""
    lines = (
        "from transformers import pipeline",
        "",
        f'model = pipeline("{pipeline}", model="{{name}}")',
        call,
    )
    return lambda task: f"{code(*lines)}\n\n{note}"


def opened(model_class: str, note: str) -> Callable[[Task], str]:
    """How a model without a pipeline is used: its class, and a note."""
    lines = (
        f"from transformers import {model_class}, AutoTokenizer",
        "",
        f'model = {model_class}.from_pretrained("{{name}}")',
        'tokenizer = AutoTokenizer.from_pretrained("{name}")',
    )
    return lambda task: f"{code(*lines)}\n\n{note}"


def named_labels(task: Task) -> dict[str, Any]:
    """The labels by name, without the one that stands for tags that no training row has: it is
    never predicted.
    """
    names = [label for label in task.labels if label != UNSEEN]
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }


def first_token(name: str) -> tuple[Layers, ...]:
    """Where `FirstTokenHead` called `name` may stand: RoBERTa's classification head; BERT's pooler
    and its classifier; ALBERT's.
    """
    dense, out = f"{name}.dense.", f"{name}.out."
    return (
        {dense: "classifier.dense.", out: "classifier.out_proj."},
        *pooled(name),
    )


def pooled(name: str) -> tuple[Layers, ...]:
    """`first_token` for classes that always have a pooler (multiple choice)."""
    dense, out = f"{name}.dense.", f"{name}.out."
    return (
        {dense: f"{BODY}pooler.dense.", out: "classifier."},
        {dense: f"{BODY}pooler.", out: "classifier."},
    )


# -- formats that pool a hidden state


def content(batch: Batch) -> dict[str, Tensor]:
    """The mask of the text between its special tokens: here all but the first and the last."""
    mask_BL = batch["attention_mask_BL"].clone()
    mask_BL[torch.arange(len(mask_BL)), mask_BL.sum(dim=1) - 1] = 0
    mask_BL[:, 0] = 0
    return {"content_mask_BL": mask_BL}


def own_vectors(vectors: Tensor, loss: Tensor | None) -> Tensor:
    """The vectors of the task's own hidden state, `(B, H)`, also of a sweep of several."""
    return vectors if vectors.ndim == 2 else vectors[:, 0]


def pooled_state(outputs: Any, batch: Batch, task: Task) -> Tensor:
    """The class's last hidden state, pooled as the task pools."""
    return pool(outputs.last_hidden_state, dict(batch), EmbeddingOptions.of(task).pooling)


def pooling_in_words(task: Task) -> str:
    """How a text's vector comes out of the last hidden state."""
    how = {
        "mean": "the mean over all its tokens, special ones included",
        "mean_content": "the mean over its tokens without the special ones",
        "cls": "its first token",
        "max": "the maximum over all its tokens",
    }[EmbeddingOptions.of(task).pooling]
    return (
        f"The vector of a text is {how}, scaled to length one. The last hidden state of this model "
        "is the hidden state that was scored; layers above it are not in the files, and neither is "
        "a pooler, which transformers makes anew and nothing here reads."
    )


def use_of_vectors(task: Task) -> str:
    """How the vectors are made."""
    return piped(
        "feature-extraction", 'model("a text", return_tensors=True)', pooling_in_words(task)
    )(task)


POOLED = Exported(
    model_class="AutoModel",
    pipeline="feature-extraction",
    use=use_of_vectors,
    more=content,
    ours=own_vectors,
    theirs=pooled_state,
)
"""Of formats without a head of their own: the body, cut after the hidden state that they read."""
