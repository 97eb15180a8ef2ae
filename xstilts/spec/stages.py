"""The trainings that lead to a checkpoint, one after the other: its *lineage*.

A lineage is a tuple of stages, from the first training above the base model to the last: a
pretraining where there is one, then the intermediate or the stages of a chain, then the target.
Each stage has a name, which a joint study and MLflow put before its hyperparameters: `pretrain`,
`intermediate`, `target`; where there are several intermediates, `intermediate.1`,
`intermediate.2`, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

PhaseKind = Literal["pretrain", "intermediate", "target", "evaluate"]
StageKind = Literal["pretrain", "intermediate", "target"]
TRAINED_KINDS: tuple[StageKind, ...] = ("pretrain", "intermediate", "target")


class OfKind(Protocol):
    """Anything that stands for one stage."""

    @property
    def kind(self) -> StageKind:
        """The role of the training in the sweep."""


def stage_names(lineage: Sequence[OfKind]) -> tuple[str, ...]:
    """The name of each stage of a lineage; see the module's opening."""
    several = sum(stage.kind == "intermediate" for stage in lineage) > 1
    names, number = [], 0
    for stage in lineage:
        number += stage.kind == "intermediate"
        numbered = several and stage.kind == "intermediate"
        names.append(f"{stage.kind}.{number}" if numbered else stage.kind)
    return tuple(names)
