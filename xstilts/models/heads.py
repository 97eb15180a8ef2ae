"""Heads: new ones for a training, trained ones for an evaluation, stored beside the body.

A head is stored as `head-<i>.safetensors`; `heads.json` has an entry for each member of the phase,
which says what its head was trained for: format, task, labels. Members of a mixture may share a
head; then several entries name one file. An evaluation loads the head with its format and labels. A
training starts with new heads, except for a masked LM: if a base model, or a phase that trained a
masked LM last, has a head that belongs to its body, the training continues with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from xstilts import formats
from xstilts.errors import PhaseError
from xstilts.models.checkpoints import loading, unfit, weight_files
from xstilts.sources.base_models import base_place
from xstilts.spec.phase import ModelParent, Parent, PhaseParent
from xstilts.spec.task import Task
from xstilts.store.inside import inside
from xstilts.store.local_files import write_json
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from xstilts.sources.context import DataContext

LIST = "heads.json"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch's CPU generator and restores it afterwards, so earlier draws change nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def fresh(task: Task, body: PreTrainedModel, seed: int) -> nn.Module:
    """A head with random weights that depend on `seed` alone."""
    config = body.config
    given: float | None = getattr(config, "classifier_dropout", None)
    dropout: float = getattr(config, "hidden_dropout_prob", 0.1) if given is None else given
    with seeded(seed):
        head = formats.get(task.format).Head(config.hidden_size, dropout, task, config)
    head.tie(body.get_input_embeddings().weight)
    return cast(nn.Module, head)


def head_numbers(tasks: Sequence[Task], *, shared: bool) -> list[int]:
    """Number of each member's head: one each, or, if `shared`, one for all members it fits."""
    numbers: list[int] = []
    owners: list[Task] = []
    for task in tasks:
        fit = next(
            (n for n, owner in enumerate(owners) if shared and _one_head_fits(owner, task)),
            len(owners),
        )
        numbers.append(fit)
        if fit == len(owners):
            owners.append(task)
    return numbers


def _one_head_fits(one: Task, other: Task) -> bool:
    if one.format != other.format or not _same_outputs(one, list(other.labels)):
        return False
    return all(
        getattr(one.options, name) == getattr(other.options, name) for name in one.spec.head_options
    )


def state(head: nn.Module) -> dict[str, Tensor]:
    """A head's own tensors on the CPU, without those that belong to the body."""
    return {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}


def save(heads: Sequence[nn.Module], tasks: Sequence[Task], folder: Path) -> None:
    """Writes the members' heads, a shared one only once, and `heads.json`."""
    entries = []
    files: dict[nn.Module, str] = {}
    for task, head in zip(tasks, heads, strict=True):
        if head not in files:
            files[head] = f"head-{len(files)}.safetensors"
            save_file(state(head), folder / files[head])
        entries.append(
            {
                "file": files[head],
                "format": task.format,
                "task": task.name,
                "labels": list(task.labels),
            }
        )
    write_json(folder / LIST, entries)


# -- trained heads


def load_trained(
    task: Task, head: nn.Module, parent: Parent, store: Store, context: DataContext
) -> None:
    """Loads the trained weights for an evaluation into a head, if it has weights at all.

    Raises PhaseError if the parent was not trained for this format and these labels.
    """
    if not head.state_dict():
        return
    if (
        isinstance(parent, ModelParent)
        and task.spec.continues_head
        and load_base_head(head, parent, context)
    ):
        return
    if not isinstance(parent, PhaseParent):
        raise PhaseError(
            f"task {task.name}: a base model has no trained head for {task.format}; train one first"
        )
    folder = store.phase(parent.phase).checkpoint()
    path = inside(folder, _chosen(task, _entries(folder), parent.phase)["file"])
    with loading(str(path), stored=True):
        head.load_state_dict(load_file(path))


def _entries(folder: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads((folder / LIST).read_bytes()))
    except (OSError, ValueError) as error:
        raise unfit(str(folder / LIST), str(error), stored=True) from error


def _chosen(task: Task, entries: list[dict[str, Any]], phase: str) -> dict[str, Any]:
    """The head that fits `task`; if several fit, the one trained for it by name."""
    fits = [
        entry
        for entry in entries
        if entry["format"] == task.format and _same_outputs(task, entry["labels"])
    ]
    if not fits:
        has = ", ".join(f"{entry['format']} ({entry['task']})" for entry in entries) or "none"
        raise PhaseError(
            f"task {task.name} needs a {task.format} head with labels {list(task.labels)}; "
            f"the phase {phase} has {has}; evaluate a phase that was trained for it"
        )
    return next((entry for entry in fits if entry["task"] in (task.name, task.train_task)), fits[0])


def _same_outputs(task: Task, labels: list[str]) -> bool:
    """Whether a head trained with `labels` can score `task`; choices are scored alike, whatever
    their names.
    """
    return not task.spec.labelled or tuple(labels) == task.labels


# -- a head that comes with the model (a masked LM's)


def continue_head(
    head: nn.Module, task: Task, parent: Parent, store: Store, context: DataContext
) -> bool:
    """Loads the parent model's head of the same format into a head, if there is one; returns
    whether there was.
    """
    if isinstance(parent, ModelParent):
        return load_base_head(head, parent, context)
    if not isinstance(parent, PhaseParent):
        return False
    folder = store.phase(parent.phase).checkpoint()
    entries = [entry for entry in _entries(folder) if entry["format"] == task.format]
    if entries:
        path = inside(folder, _chosen(task, entries, parent.phase)["file"])
        with loading(str(path), stored=True):
            head.load_state_dict(load_file(path))
    return bool(entries)


def load_base_head(head: nn.Module, parent: ModelParent, context: DataContext) -> bool:
    """Loads the base model's own head, if it has one that fits; returns whether it had."""
    place, revision = base_place(parent.model, parent.revision, context)
    names = cast(formats.FormatHead, head).base_names
    own, tensors = head.state_dict(), _base_tensors(place, revision, names)
    if any(
        name not in tensors or tensors[name].shape != value.shape for name, value in own.items()
    ):
        return False
    head.load_state_dict({name: tensors[name] for name in own})
    return True


def _base_tensors(place: str, revision: str | None, names: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors whose names begin with one of `names`, under the names they have in the head."""
    found: dict[str, Tensor] = {}
    with loading(place, stored=False):
        for file in weight_files(place, revision):
            with safe_open(file, "pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (no mapping)
                    prefix = next((p for p in names if name.startswith(p)), None)
                    if prefix is not None:
                        own = names[prefix] + name.removeprefix(prefix)
                        found[own] = tensors.get_tensor(name).float()
    return found
