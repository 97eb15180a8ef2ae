"""Whether each model can read what the sweep gives it: the length of its inputs, and its tokenizer.

A phase that is longer than the model's positions, or has a token without an embedding, fails in the
middle of a training. What a model reads is in its configuration (`sources.model_configs`); where
that can't be had nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xstilts.planning import Plan
from xstilts.planning.plan import Slot
from xstilts.planning.spaces import largest
from xstilts.sources import model_configs
from xstilts.sources.model_configs import Room
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Model, Pretraining

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext

Path = tuple[str | int, ...]
_LENGTH = "max_length_tokens"
_STRIDE = "doc_stride_tokens"


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What a model can't read."""

    path: Path
    """Where in the sweep file it is asked for."""
    message: str


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was found for all models of a plan."""

    misfits: list[Misfit] = field(default_factory=list)
    """What makes a phase fail."""
    notes: list[str] = field(default_factory=list)
    """What may be meant."""


def fit(plan: Plan, context: DataContext) -> Fit:
    """Looks at every model of a plan with every length that is asked of it."""
    found = Fit()
    for number, model in enumerate(plan.sweep.models):
        config, padding = _config(model, context)
        if config is None:
            continue
        name = model.id if isinstance(model, Model) else model.name
        if isinstance(model, Model):
            _vocabulary(found, model, number, config, context)
        if (room := model_configs.room(config, padding)) is not None:
            for path, said in _lengths(plan, model, number).items():
                _length(found, path, said, name, room)
    found.notes.extend(_strides(plan))
    return found


def _config(
    model: Model | Pretraining, context: DataContext
) -> tuple[Mapping[str, Any] | None, int | None]:
    """A model's configuration, and the id of its padding if it is known from elsewhere."""
    if isinstance(model, Model):
        return model_configs.model_file(model.id, "config.json", context, model.revision), None
    beside = model_configs.model_file(model.tokenizer, "config.json", context) or {}
    return model.config, beside.get("pad_token_id")


def _lengths(plan: Plan, model: Model | Pretraining, number: int) -> dict[Path, Settings]:
    """Where a length is asked of a model, to the settings that have it."""
    return {
        _path(plan, slot, number, _LENGTH): plan.settings(slot)
        for slot in plan.distinct().values()
        if slot.model == model.label
    }


def _path(plan: Plan, slot: Slot, number: int, name: str) -> Path:
    """Where the sweep file says a setting of a slot, or could say it."""
    if slot.kind == "pretrain":
        return ("models", number, "settings", name)
    kind = "intermediate" if slot.kind == "intermediate" else "target"
    of = slot.task if kind == "intermediate" else slot.targets[0]
    given = plan.sweep.overrides.get(of, Settings()).given()
    return ("overrides", of, name) if name in given else (kind, name)


def _length(found: Fit, path: Path, settings: Settings, model: str, room: Room) -> None:
    length = largest(settings).max_length_tokens
    if length <= room.tokens:
        return
    said = f"{_text(path)} is {length}{'' if settings.max_length_tokens else ' by default'}"
    if room.hard:
        message = (
            f"{said}; {model} reads at most {room.tokens} tokens; set it to "
            f"{room.tokens} or less, or take a model that reads more"
        )
        found.misfits.append(Misfit(path=path, message=message))
    else:
        found.notes.append(f"{said}; {model} was made for {room.tokens} tokens")


def _vocabulary(
    found: Fit, model: Model, number: int, config: Mapping[str, Any], context: DataContext
) -> None:
    """Notes a tokenizer that makes ids without an embedding."""
    tokenizer = model_configs.model_file(model.id, "tokenizer.json", context, download=False)
    pieces, added = model_configs.beyond_embeddings(config, tokenizer or {})
    rows = config.get("vocab_size")
    if pieces:
        message = (
            f"model {model.id}: {pieces:,} pieces of its tokenizer have no embedding (it has "
            f"{rows:,}): the tokenizer is another model's; take the folder that both were saved to"
        )
        found.misfits.append(Misfit(path=("models", number), message=message))
    elif added:
        found.notes.append(
            f"model {model.id}: {added:,} tokens added to its tokenizer have no embedding (it has "
            f"{rows:,}); a text that has one of them makes a phase fail"
        )


def _strides(plan: Plan) -> Iterator[str]:
    """Windows that are to share more than they hold, which is cut down."""
    asked: dict[Path, tuple[int, int]] = {}
    for slot in plan.distinct().values():
        tasks = map(plan.sweep.task, plan.sweep.members(slot.task) or slot.targets)
        settings = plan.settings(slot)
        if settings.doc_stride_tokens and any(task.spec.windows for task in tasks):
            length = largest(settings).max_length_tokens
            asked[_path(plan, slot, 0, _STRIDE)] = settings.doc_stride_tokens, length
    for path, (stride, length) in asked.items():
        if stride >= length:
            yield (
                f"{_text(path)} is {stride}, but windows have {length} tokens (`{_LENGTH}`): they "
                "share three quarters of their part of the context instead"
            )


def _text(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
