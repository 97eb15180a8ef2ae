"""What makes two slots one phase: digests of all that affects a phase, as far as a plan knows it.

Identities are computed like phase ids (`spec.phase`), but without the revisions of data and models,
which a plan does not know: equal identities mean equal ids. Each part is hashed once, since a plan
has many slots and few different parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from xstilts.planning.spaces import fixed
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import EVALUATED_WITH, mixing_payload
from xstilts.spec.stages import PhaseKind
from xstilts.spec.sweep import Pretraining, Sweep
from xstilts.spec.task import Task, evaluation_payload, training_payload


class Identities:
    """Identities of the phases of one sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.tasks = {task.name: task for task in sweep.tasks}
        self._data = cache(self._data_of)
        self._scored = cache(self._scored_of)
        self._hyper: dict[tuple[PhaseKind, str, str], str] = {}

    def pretraining(self, model: Pretraining) -> str:
        """The identity of a pretraining."""
        settings = digest(fixed(model.settings))
        return digest(("pretrain", model.name, self._data(model.task), settings, str(model.seed)))

    def training(
        self,
        kind: PhaseKind,
        label: str,
        name: str,
        parent: str,
        point: Mapping[str, Any],
        seed: int,
    ) -> str:
        """The identity of a training on the task or mixture `label`, with the settings of `name`
        and the suggestion `point`.
        """
        return digest(
            (
                "train",
                parent,
                self._data(label),
                self._hyperparameters(kind, name, point),
                str(seed),
            )
        )

    def evaluation(self, target: str, parent: str) -> str:
        """The identity of a target's evaluation of the phase or model `parent`."""
        return digest(("evaluate", self._scored(target), parent))

    def _data_of(self, label: str) -> str:
        mixture, names = self.sweep.mixture(label), self.sweep.members(label)
        mixed = mixing_payload(mixture.rates, mixture.heads, names) if mixture else None
        tasks = [self.tasks[name] for name in names]
        return digest(
            [[[training_payload(task), _files(task), _transform(task)] for task in tasks], mixed]
        )

    def _scored_of(self, target: str) -> str:
        given = self.sweep.settings("target", target).given()
        read = {
            name: value.model_dump() if hasattr(value, "model_dump") else value
            for name, value in given.items()
            if name in EVALUATED_WITH
        }
        task = self.tasks[target]
        return digest([evaluation_payload(task), _files(task), read])

    def _hyperparameters(self, kind: PhaseKind, name: str, point: Mapping[str, Any]) -> str:
        key = (kind, name, repr(sorted(point.items())))
        if key not in self._hyper:
            hyper = {**fixed(self.sweep.settings(kind, name)), **point}
            self._hyper[key] = digest(Hyperparameters(**hyper).model_dump(mode="json"))
        return self._hyper[key]


def _files(task: Task) -> list[tuple[str, ...] | None]:
    """The paths of a task's files. Payloads have the revision of the data instead, which a plan
    does not know.
    """
    return [leaf.source.files for leaf in task.leaves]


def _transform(task: Task) -> dict[str, Any] | None:
    """A task's transform with its model and files, which payloads also leave to the revision."""
    return task.transform.model_dump(mode="json") if task.transform else None
