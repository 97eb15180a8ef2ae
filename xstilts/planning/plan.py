"""What a plan is made of: slots, studies, and the plan itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from xstilts.planning.needs import BASE, Needs
from xstilts.spec.hyperparameters import Settings, Space
from xstilts.spec.stages import PhaseKind, StageKind
from xstilts.spec.sweep import Pretraining, Sweep


@dataclass(frozen=True, slots=True)
class Stage:
    """One training on the way to a slot's checkpoint."""

    kind: StageKind
    task: str
    """Label of the task or mixture that is trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place for one phase."""

    key: str
    kind: PhaseKind
    model: str
    intermediate: str
    """Label of the intermediate, `none` for the baseline; empty for a pretraining."""
    target: str
    """Name of the target; the names of several that share a training are joined by commas."""
    lineage: tuple[Stage, ...]
    """The trainings that lead to its checkpoint, its own last; for an evaluation, those that lead
    to the checkpoint it scores.
    """
    seed: int
    study: str = ""
    trial: int | None = None
    role: Literal["trial", "final"] = "final"
    needs: Needs = BASE
    """What it starts from."""
    like: str = ""
    """Study whose chosen hyperparameters it is run with, so that it waits for the choice; empty
    where they are fixed, or come from its own study.
    """
    prefix: str = ""
    """Prefix of its hyperparameters' names in a joint study: `intermediate.`."""
    identity: str = ""
    """Equal for slots that are known to be the same phase."""

    @property
    def task(self) -> str:
        """Label of what is trained or evaluated."""
        return self.target if self.kind == "evaluate" else self.lineage[-1].task

    @property
    def label(self) -> str:
        """What progress and MLflow call it: `squad→udpos trial 2`."""
        if self.kind == "pretrain":
            return f"{self.model} pretraining"
        pair = f"{self.intermediate}→{self.target}" if self.target else self.intermediate
        which = f"trial {self.trial + 1}" if self.trial is not None else f"seed {self.seed}"
        return f"{pair} {'scores' if self.kind == 'evaluate' else which}"

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets that a training serves."""
        return tuple(self.target.split(","))

    @property
    def intermediates(self) -> tuple[str, ...]:
        """Labels of the intermediate trainings in its lineage, in order."""
        return tuple(stage.task for stage in self.lineage if stage.kind == "intermediate")


@dataclass(frozen=True, kw_only=True)
class Study:
    """One search: a space, a number of trials, an objective."""

    key: str
    model: str
    intermediate: str
    target: str
    space: dict[str, Space]
    """Searched settings; in a joint study those of the intermediate are `intermediate.<name>`."""
    trials: int
    grid: tuple[dict[str, Any], ...] = ()
    """Every point, in a grid."""
    objective: Literal["dev", "oracle"] = "dev"

    def point(self, trial: int | None) -> dict[str, Any] | None:
        """The trial's hyperparameters if they are known before the search, else None. `trial=None`
        means the chosen configuration.
        """
        if self.grid and trial is not None:
            return self.grid[trial]
        return None if self.space else {}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All slots of a sweep, parents first."""

    sweep: Sweep
    slots: tuple[Slot, ...]
    studies: dict[str, Study]

    def distinct(self) -> dict[str, Slot]:
        """Identity to its first slot."""
        first: dict[str, Slot] = {}
        for slot in self.slots:
            first.setdefault(slot.identity, slot)
        return first

    def settings(self, slot: Slot) -> Settings:
        """The settings that a slot's hyperparameters come from."""
        if slot.kind == "pretrain":
            return self.pretraining(slot.model).settings
        if slot.kind == "intermediate":
            return self.sweep.settings("intermediate", slot.task)
        return self.sweep.settings("target", slot.targets[0])

    def pretraining(self, model: str) -> Pretraining:
        """The pretraining that yields `model`."""
        return next(m for m in self.sweep.models if isinstance(m, Pretraining) and m.name == model)
