"""Sweep -> Plan: unrolls models, intermediates, targets, trials and seeds into slots, parents
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from xstilts.planning.identities import Identities
from xstilts.planning.plan import BEST, Plan, Slot, Study
from xstilts.planning.spaces import ladder, own_part, points, searched
from xstilts.spec.digests import digest
from xstilts.spec.sweep import BASELINE, PhaseKind, Pretraining, Space, Sweep, mixture_label

BEFORE = "intermediate."
"""Prefix of an intermediate's settings in a joint study."""
Place = tuple[str, dict[str, Any] | None, dict[str, Any]]
"""Key of a training of a study, what is suggested to it where that is known, and fields of its
slot.
"""
Parent = Callable[[int], str]
"""Seed to what a training with it starts from."""


def make(sweep: Sweep) -> Plan:
    """Every slot of the sweep. Cost: 100,000 phases in seconds; nothing is read from disk."""
    return _Maker(sweep).make()


@dataclass(frozen=True)
class _Group:
    """Targets that share one training."""

    train_task: str
    targets: tuple[str, ...]

    @property
    def label(self) -> str:
        return "+".join(self.targets)


@dataclass(frozen=True)
class _Start:
    """What targets are trained from: a model, and an intermediate or the baseline."""

    model: str
    root: str
    """Slot of the model's pretraining, or nothing."""
    label: str

    @property
    def key(self) -> str:
        return f"{self.model}/{self.label}"

    @property
    def fields(self) -> dict[str, Any]:
        return {"model": self.model, "intermediate": self.label}


class _Maker:
    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.identities = Identities(sweep)
        self.slots: dict[str, Slot] = {}
        self.studies: dict[str, Study] = {}
        self.groups = list(_groups(sweep))
        self.untrained = [name for name in sweep.targets if not sweep.task(name).trainable]

    def make(self) -> Plan:
        for model in self.sweep.models:
            root = self._pretrain(model) if isinstance(model, Pretraining) else ""
            for intermediate in self.sweep.intermediates:
                self._from(_Start(model.label, root, mixture_label(intermediate)))
        return Plan(sweep=self.sweep, slots=tuple(self.slots.values()), studies=self.studies)

    # -- phases, one after the other
    # -----------------------------------------------------------------

    def _pretrain(self, model: Pretraining) -> str:
        key = f"{model.name}/pretrain"
        identity = self.identities.pretraining(model)
        self.slots[key] = Slot(
            key=key,
            kind="pretrain",
            model=model.name,
            intermediate="",
            target="",
            task=model.task,
            seed=model.seed,
            identity=identity,
        )
        return key

    def _from(self, start: _Start) -> None:
        """All that starts from one model by way of one intermediate."""
        baseline = start.label == BASELINE
        joint = self.sweep.search.order == "joint" and not baseline
        if not baseline and (not joint or self.untrained):
            space = self._space("intermediate", start.label, laddered=joint)
            study = self._study(start.key, space, **start.fields)
            self._trainings(study, "intermediate", start.label, lambda seed: start.root)

        def parent(seed: int) -> str:
            return start.root if baseline else self._at_seed(start.key, seed)

        for group in self.groups:
            if joint:
                self._joint(start, group)
            else:
                self._staged(start, group, parent)
        for target in self.untrained:
            for seed in self.sweep.seeds:
                self._evaluation(start, target, f"s{seed}", seed=seed, needs=parent(seed))

    def _staged(self, start: _Start, group: _Group, parent: Parent) -> None:
        """A group's trainings above the chosen intermediate."""
        space = self._space("target", group.targets[0])
        study = self._study(
            f"{start.key}>{group.label}", space, **start.fields, target=",".join(group.targets)
        )
        self._trainings(study, "target", group.train_task, parent)
        self._evaluations(start, group, study)

    def _joint(self, start: _Start, group: _Group) -> None:
        """Pairs of an intermediate and a group's training after it, each run with one
        suggestion.
        """
        before = {
            BEFORE + k: v
            for k, v in self._space("intermediate", start.label, laddered=True).items()
        }
        # The target's part first: its random points are then those of the baseline.
        space = {**self._space("target", group.targets[0]), **before}
        study = self._study(
            f"{start.key}>{group.label}", space, **start.fields, target=",".join(group.targets)
        )
        for key, point, fields in self._places(study):
            first = f"{key}/intermediate"
            common = {**start.fields, **fields}
            self._training(
                first, "intermediate", start.label, point, prefix=BEFORE, needs=start.root, **common
            )
            self._training(
                key, "target", group.train_task, point, target=study.target, needs=first, **common
            )
        self._evaluations(start, group, study)

    def _evaluations(self, start: _Start, group: _Group, study: Study) -> None:
        """Of each target of a group: of its final trainings, and for the oracle of every trial."""
        for target in group.targets:
            for trial in range(study.trials if study.objective == "oracle" else 0):
                self._evaluation(
                    start,
                    target,
                    f"t{trial}",
                    seed=self.sweep.seeds[0],
                    needs=f"{study.key}/t{trial}",
                    study=study.key,
                    trial=trial,
                    role="trial",
                )
            for seed in self.sweep.seeds:
                self._evaluation(
                    start, target, f"s{seed}", seed=seed, needs=self._at_seed(study.key, seed)
                )

    # -- slots
    # ---------------------------------------------------------------------------------------

    def _places(self, study: Study) -> Iterator[Place]:
        """The trainings of a study: its trials with the first seed, and the chosen one again with
        each other seed.
        """
        first, *others = self.sweep.seeds
        for trial in range(study.trials):
            fields = {"study": study.key, "trial": trial, "seed": first, "role": "trial"}
            yield f"{study.key}/t{trial}", study.point(trial), fields
        for seed in others:
            yield f"{study.key}/s{seed}", study.point(None), {"like": study.key, "seed": seed}

    def _trainings(self, study: Study, kind: PhaseKind, task: str, parent: Parent) -> None:
        for key, point, fields in self._places(study):
            self._training(
                key,
                kind,
                task,
                point,
                model=study.model,
                intermediate=study.intermediate,
                target=study.target,
                needs=parent(fields["seed"]),
                **fields,
            )

    def _training(
        self,
        key: str,
        kind: PhaseKind,
        task: str,
        point: dict[str, Any] | None,
        *,
        model: str,
        seed: int,
        needs: str,
        target: str = "",
        prefix: str = "",
        **fields: Any,
    ) -> None:
        """One training, and its identity where its hyperparameters and its parent are known."""
        parent = self._identity(needs) if needs else model
        identity = key
        if point is not None and parent is not None:
            name = target.split(",")[0] if kind == "target" else task
            identity = self.identities.training(
                kind, task, name, parent, own_part(point, prefix), seed
            )
        self.slots[key] = Slot(
            key=key,
            kind=kind,
            model=model,
            target=target,
            task=task,
            seed=seed,
            needs=needs,
            prefix=prefix,
            identity=identity,
            **fields,
        )

    def _evaluation(
        self, start: _Start, target: str, what: str, *, needs: str, **fields: Any
    ) -> None:
        key = f"{start.key}>{target}/eval/{what}"
        parent = self._identity(needs) if needs else start.model
        identity = key if parent is None else self.identities.evaluation(target, parent)
        self.slots[key] = Slot(
            key=key,
            kind="evaluate",
            target=target,
            task=target,
            needs=needs,
            identity=identity,
            **start.fields,
            **fields,
        )

    def _at_seed(self, study: str, seed: int) -> str:
        """The slot that is the final training of a study with `seed`."""
        return f"{BEST}{study}" if seed == self.sweep.seeds[0] else f"{study}/s{seed}"

    def _identity(self, needs: str) -> str | None:
        """Identity of what a slot starts from, where it is known before the search."""
        if needs.startswith(BEST):
            study = self.studies[needs.removeprefix(BEST)]
            needs = f"{study.key}/t0" if study.trials == 1 and not study.space else ""
        slot = self.slots.get(needs)
        return slot.identity if slot is not None and slot.identity != slot.key else None

    # -- studies
    # -------------------------------------------------------------------------------------

    def _study(
        self, key: str, space: dict[str, Space], *, model: str, intermediate: str, target: str = ""
    ) -> Study:
        search = self.sweep.search
        grid = tuple(points(space)) if search.sampler == "grid" and space else ()
        trials = len(grid) if grid else (search.trials if space else 1)
        oracle = search.selection == "oracle" and target
        self.studies[key] = Study(
            key=key,
            model=model,
            intermediate=intermediate,
            target=target,
            space=space,
            trials=trials,
            grid=grid,
            objective="oracle" if oracle else "dev",
        )
        return self.studies[key]

    def _space(self, kind: PhaseKind, name: str, *, laddered: bool = False) -> dict[str, Space]:
        space = searched(self.sweep.settings(kind, name))
        return (
            {k: ladder(v, self.sweep.search.ladder) for k, v in space.items()}
            if laddered
            else space
        )


def _groups(sweep: Sweep) -> Iterator[_Group]:
    """Targets by the training they share; where target scores choose, each has its own."""
    groups: dict[str, list[str]] = {}
    for name in sweep.targets:
        task = sweep.task(name)
        if task.trainable:
            settings = sweep.settings("target", name).model_dump(mode="json")
            alone = name if sweep.search.selection == "oracle" else ""
            groups.setdefault(digest([task.train_task or name, settings, alone]), []).append(name)
    for names in groups.values():
        yield _Group(sweep.task(names[0]).train_task or names[0], tuple(names))
