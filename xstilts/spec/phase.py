"""What a phase is, and the hash that names it.

A `PhaseSpec` is everything that a worker needs to run one phase on any machine: action, parent,
tasks with the revision of their data, hyperparameters, seed. Its `id` is the hash of its canonical
payload. Whatever does not affect the result (resources, paths, trackers, the role in a sweep, the
test split of a task that is trained) is not in the payload, so it can't reach the id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from xstilts.spec.digests import digest
from xstilts.spec.frozen import Frozen
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task, evaluation_payload, training_payload

RECIPE_VERSION = 3
"""Raised when the mathematics of training or evaluation changes."""
EVALUATED_WITH = ("max_length_tokens", "doc_stride_tokens", "precision")
"""Hyperparameters that an evaluation reads; their values are those of the training it scores."""


class ModelParent(Frozen):
    """A base model, by its id and the content of its files."""

    model: str
    revision: str
    """Hash of the model's files, or the commit on the hub."""


class PhaseParent(Frozen):
    """Another phase's checkpoint."""

    phase: str


class ScratchParent(Frozen):
    """A model that is initialised from a configuration."""

    config: dict[str, Any]
    tokenizer: str
    """`generator`, or a model id."""
    tokenizer_revision: str


Parent = ModelParent | PhaseParent | ScratchParent


class Member(Frozen):
    """One task of a phase, with the revision of the data it reads."""

    task: Task
    data_revision: str


class PhaseSpec(Frozen):
    """One phase, complete."""

    action: Literal["train", "evaluate"]
    parent: Parent
    members: tuple[Member, ...]
    """One task, or the several of a mixture (only to train)."""
    rates: Literal["proportional", "uniform"] | tuple[float, ...] | Rates = "proportional"
    """Sampling rates of a mixture."""
    heads: Literal["separate", "shared"] = "separate"
    """`shared`: members of one format with the same labels have one head."""
    hyper: Hyperparameters
    """An evaluation reads only the lengths and the precision."""
    seed: int = 0

    def payload(self) -> dict[str, Any]:
        """What is hashed."""
        common = {
            "action": self.action,
            "recipe": RECIPE_VERSION,
            "parent": self.parent.model_dump(mode="json"),
        }
        hyper = self.hyper.model_dump(mode="json")
        if self.action == "evaluate":
            lengths = {k: hyper[k] for k in EVALUATED_WITH}
            return {**common, "tasks": self._members(evaluation_payload), "hyper": lengths}
        names = [member.task.name for member in self.members]
        return {
            **common,
            **(mixing_payload(self.rates, self.heads, names) if len(names) > 1 else {}),
            **({"lm_head": "parent's"} if self._continues_lm_head else {}),
            "tasks": self._members(training_payload),
            "hyper": hyper,
            "seed": self.seed,
        }

    @property
    def _continues_lm_head(self) -> bool:
        """Whether a member continues with the parent phase's head, where the parent has one."""
        return isinstance(self.parent, PhaseParent) and any(
            m.task.spec.continues_head for m in self.members
        )

    def _members(self, payload: Any) -> list[dict[str, Any]]:
        return [{**payload(m.task), "data_revision": m.data_revision} for m in self.members]

    @property
    def id(self) -> str:
        """24 hexadecimal digits."""
        return digest(self.payload())

    @property
    def parent_phase(self) -> str | None:
        """Id of the phase it starts from, if it starts from one."""
        return self.parent.phase if isinstance(self.parent, PhaseParent) else None


def mixing_payload(
    rates: str | tuple[float, ...] | Rates, heads: str, names: Sequence[str]
) -> dict[str, str | list[float] | dict[str, Any]]:
    """The part of a mixture that affects a training; the members' `names` are not in it.

    A rate that is fixed for a name is given under the member's number, so that the phase is another
    one if two members swap their rates.
    """
    if not isinstance(rates, Rates):
        return {"rates": rates if isinstance(rates, str) else list(rates), "heads": heads}
    fixed = {
        str(number): rates.fixed[name] for number, name in enumerate(names) if name in rates.fixed
    }
    return {"rates": {**rates.model_dump(mode="json"), "fixed": fixed}, "heads": heads}
