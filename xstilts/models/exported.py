"""A trained checkpoint as an ordinary transformers model with its head.

Our checkpoints keep body and heads apart. An export puts both under the names of a class of
transformers (`formats/exporting.py` says which), so that its pipelines open the folder as they open
any other. Then the folder is opened again with that class, and its outputs are compared with ours:
an export is either equal or an error. Nothing is renamed that computes something else.

A format without a head of its own reads a hidden state of the body; its export is the body cut
after that state, so that the last hidden state is the one that was scored.

Only safetensors are written; an exported model needs no code of ours. `B` sequences of a batch, `L`
tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from xstilts import formats
from xstilts.errors import InputError, first_line
from xstilts.formats.common import attention_mask, pad, pair_frame
from xstilts.formats.exporting import BODY, Exported
from xstilts.models.checkpoints import OPENING, saving
from xstilts.models.model import LoadedModel
from xstilts.spec.seeds import row_stream

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

    from xstilts.spec.task import Task

WEIGHTS = "model.safetensors"
PROBES, LONGEST = 4, 24
"""Sequences that are compared, and the most tokens of one."""
TOLERANCE = 1e-4
"""Largest difference of an output, as a share of the largest output."""


class NoPlace(InputError):
    """The head has no equal in transformers for this architecture."""


def write(loaded: LoadedModel, task: Task, folder: Path, *, max_length_tokens: int) -> None:
    """Writes body, head and tokenizer of `loaded` into `folder`, which must exist.

    `task` is what the head was trained for; the tokenizer cuts at `max_length_tokens`, as the
    training did. Raises NoPlace where no class of transformers computes the same, StoreError where
    the folder can't be written.
    """
    exported = formats.get(task.format).exported
    config = _config(loaded, task, exported)
    skeleton = _skeleton(exported, config)
    config.architectures = [type(skeleton).__name__]
    tensors = _tensors(loaded, task, exported, skeleton)
    _save(loaded, config, tensors, folder, max_length_tokens)
    _compare(loaded, task, exported, _opened(exported, folder))
    _compare_tokenizers(loaded, folder)


def write_body(loaded: LoadedModel, folder: Path, *, max_length_tokens: int) -> None:
    """Writes the body alone, whole, and the tokenizer; otherwise like `write`."""
    body = loaded.model.body
    config = copy.deepcopy(body.config)
    config.architectures = [type(body).__name__]
    _save(loaded, config, dict(body.state_dict()), folder, max_length_tokens)


def last_state(loaded: LoadedModel) -> int | None:
    """The hidden state of the body that a format without a head reads; None for other formats."""
    head: Any = loaded.model.heads[0]
    return head.layers[0] if head.layers else None


# -- what is written


def _config(loaded: LoadedModel, task: Task, exported: Exported) -> PretrainedConfig:
    """The body's configuration with what the class needs to know of the head, and with fewer layers
    where the body is cut.
    """
    config, state = copy.deepcopy(loaded.model.body.config), last_state(loaded)
    config.problem_type = None
    if state is not None:
        config.num_hidden_layers = state
    for name, value in exported.settings(task).items():
        setattr(config, name, value)
    return config


def _skeleton(exported: Exported, config: PretrainedConfig) -> PreTrainedModel:
    """The class without weights; NoPlace where the architecture has no such class."""
    import transformers

    try:
        with torch.device("meta"):
            return getattr(transformers, exported.model_class).from_config(copy.deepcopy(config))
    except OPENING as error:
        kind = exported.model_class.removeprefix("Auto")
        raise NoPlace(
            f"transformers has no {kind} for {config.model_type}: {first_line(error, 160)}"
        ) from error


def _tensors(
    loaded: LoadedModel, task: Task, exported: Exported, skeleton: PreTrainedModel
) -> dict[str, Tensor]:
    """Body and head under the class's names, without layers that the class has not."""
    head, body = loaded.model.heads[0], loaded.model.body
    wanted = {name: tuple(value.shape) for name, value in skeleton.state_dict().items()}
    prefix = _prefix(skeleton)
    tensors = {f"{prefix}{name}": value for name, value in body.state_dict().items()}
    if last_state(loaded) is not None:
        return {name: value for name, value in tensors.items() if name in wanted}
    weights = _cut(head, task, exported)
    for layers in exported.layers:
        placed = _placed(weights, {own: name.replace(BODY, prefix) for own, name in layers.items()})
        if all(wanted.get(name) == tuple(value.shape) for name, value in placed.items()):
            return {**tensors, **placed}
    raise NoPlace(
        f"{type(skeleton).__name__} of transformers has no place for the layers of a {task.format} "
        "head"
    )


def _prefix(model: PreTrainedModel) -> str:
    """Prefix of the body's tensors in a class with a head; empty for a bare body."""
    name = model.base_model_prefix
    return f"{name}." if hasattr(model, name) else ""


def _cut(head: nn.Module, task: Task, exported: Exported) -> dict[str, Tensor]:
    """The head's tensors without what only a training reads, and without outputs for labels that
    are never predicted.
    """
    kept = {
        name: value for name, value in head.state_dict().items() if name not in exported.dropped
    }
    names = exported.settings(task).get("id2label", {})
    if len(names) == len(task.labels) or not task.spec.labelled:
        return kept
    return {
        name: value[: len(names)] if len(value) == len(task.labels) else value
        for name, value in kept.items()
    }


def _placed(weights: Mapping[str, Tensor], layers: Mapping[str, str]) -> dict[str, Tensor]:
    """The head's tensors under the names that `layers` gives them."""
    placed = {}
    for own, value in weights.items():
        prefix = next(one for one in layers if own.startswith(one))
        placed[layers[prefix] + own.removeprefix(prefix)] = value
    return placed


def _save(
    loaded: LoadedModel,
    config: PretrainedConfig,
    tensors: Mapping[str, Tensor],
    folder: Path,
    max_length_tokens: int,
) -> None:
    tokenizer = copy.deepcopy(loaded.tokenizer)
    tokenizer.model_max_length = max_length_tokens
    with saving(folder):
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(whole, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private


# -- is it the same


def _opened(exported: Exported, folder: Path) -> PreTrainedModel:
    """What was written, opened as anybody opens it; NoPlace where weights are missing or left."""
    import transformers

    try:
        model, report = getattr(transformers, exported.model_class).from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except OPENING as error:
        raise NoPlace(f"transformers can't open what was written: {first_line(error)}") from error
    unread = sorted(map(str, report["unexpected_keys"]))
    missing = sorted(name for name in report["missing_keys"] if not _free(name, exported))
    if unread or missing:
        raise NoPlace(
            f"{type(model).__name__} of transformers has other layers than the checkpoint: "
            f"{', '.join([*missing, *unread][:3])}"
        )
    opened: PreTrainedModel = model.eval()
    return opened


def _free(name: str, exported: Exported) -> bool:
    """Whether nothing depends on a tensor: the pooler of a class whose last hidden state is
    read.
    """
    return not exported.layers and name.startswith("pooler.")


def _compare(loaded: LoadedModel, task: Task, exported: Exported, model: PreTrainedModel) -> None:
    """NoPlace where the class's outputs are not ours."""
    batch = _probe(loaded)
    batch |= exported.more(batch)
    was_training = loaded.model.training
    loaded.model.eval()
    with torch.inference_mode():
        ours = exported.ours(*loaded.model.outputs(0, batch))
        theirs = exported.theirs(model(**_inputs(loaded, exported, batch)), batch, task)
    loaded.model.train(was_training)
    ours = ours[..., : theirs.shape[-1]] if theirs.ndim else ours
    if task.spec.per_token and theirs.ndim == 3:
        seen_BL1 = batch["attention_mask_BL"][:, :, None]
        ours, theirs = ours * seen_BL1, theirs * seen_BL1
    apart, most = (ours - theirs).abs().max(), ours.abs().max()
    if not apart <= TOLERANCE * most:
        raise NoPlace(
            f"{type(model).__name__} of transformers computes something else with these layers: "
            f"its outputs differ from ours by up to {float(apart):.2g}"
        )


def _compare_tokenizers(loaded: LoadedModel, folder: Path) -> None:
    """NoPlace where the written tokenizer encodes a pair of texts otherwise."""
    from transformers import AutoTokenizer

    written = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ours, theirs = (dict(one(["a b"], ["c"])) for one in (loaded.tokenizer, written))
    if ours != theirs:
        raise NoPlace(f"transformers reads the written tokenizer as another: {theirs}, not {ours}")


def _probe(loaded: LoadedModel) -> dict[str, Tensor]:
    """A batch of pairs of texts of random tokens, in the tokenizer's frame."""
    tokenizer = loaded.tokenizer
    before, between, after = pair_frame(tokenizer)
    special = set(tokenizer.all_special_ids)
    usual = [one for one in range(len(tokenizer)) if one not in special]
    rows = []
    for row in range(PROBES):
        draws = row_stream(0, "export", row)
        n = 2 + int(draws.random() * (LONGEST - len([*before, *between, *after]) - 2))
        text = [usual[int(draws.random() * len(usual))] for _ in range(n)]
        cut = 1 + int(draws.random() * (n - 1))
        rows.append([*before, *text[:cut], *between, *text[cut:], *after])
    return {"input_ids_BL": pad(rows, loaded.pad_id), "attention_mask_BL": attention_mask(rows)}


def _inputs(
    loaded: LoadedModel, exported: Exported, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The batch under the class's names."""
    inputs = {
        "input_ids": batch["input_ids_BL"],
        "attention_mask": batch["attention_mask_BL"],
        **loaded.model.token_types(cast(Any, loaded.model.heads[0]), dict(batch)),
    }
    return {name: value[None] if exported.choices else value for name, value in inputs.items()}
