"""A model: a body from a base model or a parent phase, and a fresh head for each task.

Only the *body* (the encoder) passes from phase to phase. A head belongs to the phase that trained
it: it is stored beside the body and loaded again by an evaluation of that phase; only the training
of a masked LM continues with a stored head (`heads.py`). Loading checks that no tensor of the body
is missing and that all others belong to a known head, so a checkpoint that does not fit is an error
and never leaves a layer with random weights unnoticed. Poolers are dropped: no head reads them.

On disk, `model/` has the files that `AutoModel.from_pretrained` opens (configuration, safetensors,
tokenizer), `head-<i>.safetensors`, and `heads.json`, which says what each head was trained for.
Only safetensors are read and written; no code from a model repository is run.

`B` features, `L` tokens, `H` hidden width.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from xstilts.errors import DataError, PhaseError, StoreError
from xstilts.models import heads as head_files
from xstilts.models.checkpoints import OPENING, loading, saving, tokenizer_of, unfit
from xstilts.sources.base_models import base_place
from xstilts.spec.format_specs.options import EmbeddingOptions
from xstilts.spec.phase import Parent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.seeds import subseed
from xstilts.spec.task import Task
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from xstilts.formats import FormatHead
    from xstilts.sources.context import DataContext

_POOLER = re.compile(r"(^|\.)pooler\.")
_KNOWN_HEADS = re.compile(
    r"^((lm_head|cls|classifier|qa_outputs|score|vocab_\w+|predictions)\.|logit_scale$)"
)
_BUFFERS = re.compile(r"position_ids$|token_type_ids$|inv_freq$")


class PhaseModel(nn.Module):
    """One body and the heads of the phase's members."""

    def __init__(
        self,
        body: PreTrainedModel,
        heads: Sequence[nn.Module],
        head_of: Sequence[int],
        separator: int | None,
    ) -> None:
        """`head_of`: the number of each member's head. `separator`: see `_separator`."""
        super().__init__()
        self.body = body
        self.heads = nn.ModuleList(heads)
        self.head_of, self.separator = tuple(head_of), separator

    def forward(self, member: int, chunks: Sequence[dict[str, Tensor]]) -> Tensor:
        """The summed loss over the loss items of all chunks of a micro-batch."""
        losses = [
            loss
            for _, loss in (self.outputs(member, chunk) for chunk in chunks)
            if loss is not None
        ]
        return torch.stack(losses).sum()

    def outputs(self, member: int, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """The head's logits and its loss summed over the loss items (None if the batch has no
        labels).
        """
        head = cast("FormatHead", self.heads[self.head_of[member]])
        layers, last = head.layers, self.body.config.num_hidden_layers
        out = self.body(
            input_ids=batch["input_ids_BL"],
            attention_mask=batch["attention_mask_BL"],
            output_hidden_states=layers is not None and layers != (last,),
            return_dict=True,
            **self.token_types(head, batch),
        )
        hidden: Any = out.last_hidden_state
        if layers is not None:
            hidden = [
                out.last_hidden_state if layer == last else out.hidden_states[layer]
                for layer in layers
            ]
        logits, loss_sum = head(hidden, batch)
        return logits, loss_sum

    def token_types(self, head: FormatHead, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """BERT's segments (Devlin et al. 2019, section 3), as an argument of the body: 1 for the
        second text, after the first separator. Empty for a body that has none.
        """
        if self.separator is None or head.one_text:
            return {}
        here_BL = (batch["input_ids_BL"] == self.separator).long()
        second_BL = (here_BL.cumsum(dim=1) - here_BL > 0) & (batch["attention_mask_BL"] > 0)
        return {"token_type_ids": second_BL.long()}


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready for a phase."""

    model: PhaseModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def pad_id(self) -> int:
        """Id of the padding; it is masked, so any id will do if the tokenizer has none."""
        return int(self.tokenizer.pad_token_id or 0)


def load(spec: PhaseSpec, store: Store, context: DataContext) -> LoadedModel:
    """The parent's body with new heads for a training, or its trained heads for an evaluation.

    Raises DataError for a base model that is missing or unusable, CorruptError for a damaged
    checkpoint, PhaseError for an evaluation of a model without the head that its task needs.
    """
    body, tokenizer = _body(spec, store, context)
    tasks = [member.task for member in spec.members]
    for task in tasks:
        _check_layer(task, body.config)
    head_of = head_files.head_numbers(tasks, shared=spec.heads == "shared")
    heads: list[nn.Module] = []
    for i, task in enumerate(tasks):
        if head_of[i] < len(heads):
            continue
        heads.append(head := head_files.fresh(task, body, subseed(spec.seed, "head", i)))
        if spec.action == "evaluate":
            head_files.load_trained(task, head, spec.parent, store, context)
        elif task.spec.continues_head:
            head_files.continue_head(head, task, spec.parent, store, context)
    return LoadedModel(
        model=PhaseModel(body, heads, head_of, _separator(tokenizer, body.config)),
        tokenizer=tokenizer,
    )


def _separator(tokenizer: PreTrainedTokenizerBase, config: PretrainedConfig) -> int | None:
    """The id that ends the first of two texts, if the body has token types for them (BERT, not
    XLM-R); else None.
    """
    if (
        "token_type_ids" not in tokenizer.model_input_names
        or getattr(config, "type_vocab_size", 0) < 2
    ):
        return None
    return tokenizer.sep_token_id


def _check_layer(task: Task, config: PretrainedConfig) -> None:
    options, last = task.options, config.num_hidden_layers
    if not isinstance(options, EmbeddingOptions):
        return
    swept = () if options.sweep_layers == "all" else options.sweep_layers
    for name, layers in (("layer", (options.layer,)), ("sweep_layers", swept)):
        wrong = [layer for layer in layers if not -1 <= layer <= last]
        if wrong:
            raise PhaseError(
                f"task {task.name}: options.{name} is {', '.join(map(str, wrong))}; "
                f"the model has hidden states 0 to {last}; choose one of these, or -1 for the last"
            )


# -- body


def _body(
    spec: PhaseSpec, store: Store, context: DataContext
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    parent = spec.parent
    if isinstance(parent, ScratchParent):
        tokenizer = _scratch_tokenizer(parent, context)
        return _from_config(parent, tokenizer, subseed(spec.seed, "body")), tokenizer
    if isinstance(parent, PhaseParent):
        phase = store.phase(parent.phase)
        if not phase.done:
            raise StoreError(f"{phase.where}: the parent phase has no record; run it first")
        checkpoint = str(phase.checkpoint())
        return _opened(checkpoint, None, stored=True), tokenizer_of(checkpoint)
    place, revision = base_place(parent.model, parent.revision, context)
    return _opened(place, revision, stored=False), tokenizer_of(place, revision)


def tokenizer_for(parent: Parent, store: Store, context: DataContext) -> PreTrainedTokenizerBase:
    """The tokenizer of what a phase starts from."""
    if isinstance(parent, ScratchParent):
        return _scratch_tokenizer(parent, context)
    if isinstance(parent, PhaseParent):
        return tokenizer_of(str(store.phase(parent.phase).checkpoint()))
    return tokenizer_of(*base_place(parent.model, parent.revision, context))


def _scratch_tokenizer(parent: ScratchParent, context: DataContext) -> PreTrainedTokenizerBase:
    if parent.tokenizer == "generator":
        from xstilts.tasks import generator

        return generator.tokenizer()
    return tokenizer_of(*base_place(parent.tokenizer, parent.tokenizer_revision, context))


def _opened(place: str, revision: str | None, *, stored: bool) -> PreTrainedModel:
    """The body at `place`, with all its tensors checked; `stored`: a phase of ours wrote it."""
    from transformers import AutoModel

    with loading(place, stored=stored):
        body, report = AutoModel.from_pretrained(
            place,
            revision=revision or "main",
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            local_files_only=stored,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    _check_report(place, report, stored)
    _drop_pooler(body)
    return body


def _check_report(place: str, report: dict[str, Any], stored: bool) -> None:
    """Raises unless the checkpoint and the body differ only in tensors of poolers and heads."""
    missing = [
        k for k in report["missing_keys"] if not _POOLER.search(k) and not _BUFFERS.search(k)
    ]
    left = [
        k for k in report["unexpected_keys"] if not _POOLER.search(k) and not _BUFFERS.search(k)
    ]
    if not stored:
        left = [k for k in left if not _KNOWN_HEADS.search(k)]
    wrong = [key if isinstance(key, str) else str(key[0]) for key in report["mismatched_keys"]]
    faults = [
        f"{what}: {', '.join(sorted(map(str, keys))[:5])}{' ...' if len(keys) > 5 else ''}"
        for what, keys in (
            ("missing", missing),
            ("not of this model", left),
            ("of another shape", wrong),
        )
        if keys
    ]
    if faults:
        raise unfit(
            place,
            f"its tensors are not those of its configuration ({'; '.join(faults)})",
            stored=stored,
        )


def _drop_pooler(body: PreTrainedModel) -> None:
    if getattr(body, "pooler", None) is not None:
        body.pooler = None


def _from_config(
    parent: ScratchParent, tokenizer: PreTrainedTokenizerBase, seed: int
) -> PreTrainedModel:
    """A body with random weights that depend on `seed` alone; its vocabulary is the tokenizer's."""
    from transformers import AutoConfig, AutoModel

    settings = {k: v for k, v in parent.config.items() if k != "model_type"}
    settings["vocab_size"] = len(tokenizer)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if getattr(tokenizer, name) is not None:
            settings.setdefault(name, getattr(tokenizer, name))
    try:
        config = AutoConfig.for_model(parent.config.get("model_type", ""), **settings)
        with head_files.seeded(seed):
            body = AutoModel.from_config(config, dtype=torch.float32)
    except OPENING as error:
        raise DataError(
            f"the config {parent.config} makes no model: {error}; fix it in the sweep file"
        ) from error
    _drop_pooler(body)
    return body


# -- writing


def save(
    model: PhaseModel, tokenizer: PreTrainedTokenizerBase, tasks: Sequence[Task], folder: Path
) -> None:
    """Writes a phase's checkpoint into `folder`; StoreError if it can't be written."""
    with saving(folder):
        model.body.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        head_files.save([model.heads[number] for number in model.head_of], tasks, folder)
