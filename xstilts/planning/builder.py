"""Sweep -> Plan: a slot for each model, intermediate, target, trial and seed, parents first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.errors import InputError
from xstilts.planning.identities import Identities
from xstilts.planning.needs import BASE, Base, Chosen, Filled, Needs, first_slot
from xstilts.planning.plan import Plan, Slot, Stage, Study
from xstilts.planning.spaces import ladder, own_part, points, searched
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Choice, Space
from xstilts.spec.stages import StageKind, stage_names
from xstilts.spec.sweep import BASELINE, Pretraining, Sweep, chain_label

MOST_SLOTS = 1_000_000
"""Slots of a plan. Planning as many takes 15 to 40 s and half a gigabyte; run on a hundred GPUs,
half a minute each, they take four days.
"""
Place = tuple[str, dict[str, Any] | None, dict[str, Any]]
"""(slot key, hyperparameters if already known, keyword arguments for `Slot`)"""
Parent = Callable[[int], Needs]
"""Seed to what a training with that seed starts from."""


def make_plan(sweep: Sweep) -> Plan:
    """The plan with every slot of the sweep. 100,000 phases take seconds; nothing is read from
    disk. InputError for more than `MOST_SLOTS`, at once.
    """
    return _Builder(sweep).plan()


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
    """What targets start from: a model, and an intermediate, a chain, or the baseline."""

    model: str
    root: Needs
    """The model's pretraining, or a base model."""
    label: str
    before: tuple[Stage, ...]
    """The pretraining, if there is one."""
    stages: tuple[Stage, ...]
    """What the intermediate is trained on, in order; empty for the baseline."""

    @property
    def key(self) -> str:
        return f"{self.model}/{self.label}"

    @property
    def lineage(self) -> tuple[Stage, ...]:
        return (*self.before, *self.stages)

    @property
    def fields(self) -> dict[str, Any]:
        return {"model": self.model, "intermediate": self.label}


class _Builder:
    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.identities = Identities(sweep)
        self.slots: dict[str, Slot] = {}
        self.studies: dict[str, Study] = {}
        self.groups = list(_groups(sweep))
        self.untrained = [name for name in sweep.targets if not sweep.task(name).trainable]

    def plan(self) -> Plan:
        self._require_few()
        for model in self.sweep.models:
            root: Needs = self._pretrain(model) if isinstance(model, Pretraining) else BASE
            before = self.slots[root.slot].lineage if isinstance(root, Filled) else ()
            for label in self.sweep.labels:
                stages = tuple(Stage("intermediate", one) for one in self.sweep.stages(label))
                self._add_pairs(_Start(model.label, root, label, before, stages))
        return Plan(sweep=self.sweep, slots=tuple(self.slots.values()), studies=self.studies)

    def _require_few(self) -> None:
        """InputError where the sweep has more than `MOST_SLOTS` slots; none is made for it."""
        targets = [self._trials("target", group.targets[0]) for group in self.groups]
        one_model = sum(self._slots_of(label, targets) for label in self.sweep.labels)
        slots = one_model * len(self.sweep.models)
        if slots > MOST_SLOTS:
            parts = ("models", "intermediates", "targets", "seeds")
            sizes = " x ".join(f"{len(getattr(self.sweep, name)):,} {name}" for name in parts)
            raise InputError(
                f"sweep {self.sweep.name}: a plan of about {slots:,} phases ({sizes}, "
                f"{max([1, *targets]):,} trials of a target); must be at most {MOST_SLOTS:,}: take "
                "fewer of them, or make several sweeps"
            )

    def _slots_of(self, label: str, targets: Sequence[int]) -> int:
        """Slots above one model and one intermediate, stages that others share included; `targets`
        has the trials of each group.
        """
        search, seeds = self.sweep.search, len(self.sweep.seeds)
        stages = [self._trials("intermediate", one) for one in self.sweep.stages(label)]
        joint = search.order == "joint" and bool(stages)
        trials = sum(targets)
        if joint and search.sampler == "grid":  # each point of one with each of the others
            trials *= math.prod(stages)
        elif joint and max(stages) > 1:
            trials = search.trials * len(targets)
        trainings = (trials + seeds * len(targets)) * (1 + len(stages) if joint else 1)
        if not joint or self.untrained:
            trainings += sum(stages) + seeds * len(stages)
        evaluations = seeds * len(self.sweep.targets)
        return trainings + evaluations + (trials if search.selection == "oracle" else 0)

    def _trials(self, kind: StageKind, name: str) -> int:
        """Trials of a study over the settings of one task."""
        search = self.sweep.search
        laddered = kind == "intermediate" and search.order == "joint"
        space = self._space(kind, name, laddered=laddered)
        if search.sampler == "grid":
            return math.prod(len(one.choice) for one in space.values() if isinstance(one, Choice))
        return search.trials if space else 1

    # -- from the model to the targets

    def _pretrain(self, model: Pretraining) -> Filled:
        key = f"{model.name}/pretrain"
        self.slots[key] = Slot(
            key=key,
            kind="pretrain",
            model=model.name,
            intermediate="",
            target="",
            lineage=(Stage("pretrain", model.task),),
            seed=model.seed,
            identity=self.identities.pretraining(model),
        )
        return Filled(key)

    def _add_pairs(self, start: _Start) -> None:
        """All slots that lie above one model and one intermediate."""
        joint = self.sweep.search.order == "joint" and start.label != BASELINE
        parent: Parent = lambda seed: start.root  # noqa: E731
        if not joint or self.untrained:
            parent = self._stages(start, laddered=joint)
        for group in self.groups:
            if joint:
                self._joint(start, group)
            else:
                self._staged(start, group, parent)
        for target in self.untrained:
            for seed in self.sweep.seeds:
                self._evaluation(start, target, f"s{seed}", seed=seed, needs=parent(seed))

    def _stages(self, start: _Start, *, laddered: bool) -> Parent:
        """The studies of an intermediate's stages, each starting from the choice of the one before.
        Returns what targets start from.

        Stages with which another intermediate begins, too, exist already.
        """
        parent: Parent = lambda seed: start.root  # noqa: E731
        for number, stage in enumerate(start.stages, 1):
            label = chain_label([one.task for one in start.stages[:number]])
            key = f"{start.model}/{label}"
            if key not in self.studies:
                space = self._space("intermediate", stage.task, laddered=laddered)
                study = self._study(key, space, model=start.model, intermediate=label)
                self._trainings(study, (*start.before, *start.stages[:number]), parent)
            parent = self._finals(key)
        return parent

    def _staged(self, start: _Start, group: _Group, parent: Parent) -> None:
        """A group's trainings, which start from the chosen intermediate."""
        study = self._pair_study(start, group, self._space("target", group.targets[0]))
        self._trainings(study, (*start.lineage, Stage("target", group.train_task)), parent)
        self._evaluations(start, group, study)

    def _joint(self, start: _Start, group: _Group) -> None:
        """A group's trainings, each with its own intermediate; one suggestion serves both."""
        names = stage_names(start.stages)
        # The target's part comes first, so that its random points are those of the baseline.
        space = self._space("target", group.targets[0])
        for name, stage in zip(names, start.stages, strict=True):
            own = self._space("intermediate", stage.task, laddered=True)
            space |= {f"{name}.{setting}": values for setting, values in own.items()}
        study = self._pair_study(start, group, space)
        for key, point, fields in self._places(study):
            common, needs = {**start.fields, **fields}, start.root
            for number, name in enumerate(names, 1):
                lineage = (*start.before, *start.stages[:number])
                first = f"{key}/{name}"
                self._training(first, lineage, point, prefix=f"{name}.", needs=needs, **common)
                needs = Filled(first)
            lineage = (*start.lineage, Stage("target", group.train_task))
            self._training(key, lineage, point, target=study.target, needs=needs, **common)
        self._evaluations(start, group, study)

    def _evaluations(self, start: _Start, group: _Group, study: Study) -> None:
        """Evaluations of a group's targets: of the final trainings, and for the oracle of every
        trial.
        """
        parent = self._finals(study.key)
        for target in group.targets:
            for trial in range(study.trials if study.objective == "oracle" else 0):
                self._evaluation(
                    start,
                    target,
                    f"t{trial}",
                    seed=self.sweep.seeds[0],
                    needs=Filled(f"{study.key}/t{trial}"),
                    study=study.key,
                    trial=trial,
                    role="trial",
                )
            for seed in self.sweep.seeds:
                self._evaluation(start, target, f"s{seed}", seed=seed, needs=parent(seed))

    # -- slots

    def _places(self, study: Study) -> Iterator[Place]:
        """The trainings of a study: its trials with the first seed, then the chosen configuration
        with each other seed. Without a search, nothing has to be chosen: no seed waits for another.
        """
        first, *others = self.sweep.seeds
        for trial in range(study.trials):
            fields = {"study": study.key, "trial": trial, "seed": first, "role": "trial"}
            yield f"{study.key}/t{trial}", study.point(trial), fields
        like = study.key if study.space else ""
        for seed in others:
            yield f"{study.key}/s{seed}", study.point(None), {"like": like, "seed": seed}

    def _trainings(self, study: Study, lineage: tuple[Stage, ...], parent: Parent) -> None:
        for key, point, fields in self._places(study):
            self._training(
                key,
                lineage,
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
        lineage: tuple[Stage, ...],
        point: dict[str, Any] | None,
        *,
        model: str,
        seed: int,
        needs: Needs,
        target: str = "",
        prefix: str = "",
        **fields: Any,
    ) -> None:
        """Adds a training, with its identity where its hyperparameters and its parent are known."""
        stage, identity, parent = lineage[-1], key, self._identity(needs, model)
        if point is not None and parent is not None:
            name = target.split(",")[0] if stage.kind == "target" else stage.task
            identity = self.identities.training(
                stage.kind, stage.task, name, parent, own_part(point, prefix), seed
            )
        self.slots[key] = Slot(
            key=key,
            kind=stage.kind,
            model=model,
            target=target,
            lineage=lineage,
            seed=seed,
            needs=needs,
            prefix=prefix,
            identity=identity,
            **fields,
        )

    def _evaluation(
        self, start: _Start, target: str, what: str, *, needs: Needs, **fields: Any
    ) -> None:
        key = f"{start.key}>{target}/eval/{what}"
        parent = self._identity(needs, start.model)
        self.slots[key] = Slot(
            key=key,
            kind="evaluate",
            target=target,
            lineage=self._lineage(needs),
            needs=needs,
            identity=key if parent is None else self.identities.evaluation(target, parent),
            **start.fields,
            **fields,
        )

    def _finals(self, study: str) -> Parent:
        """The final trainings of a study by seed; with the first seed, the chosen trial itself."""
        first = self.sweep.seeds[0]
        return lambda seed: Chosen(study) if seed == first else Filled(f"{study}/s{seed}")

    def _lineage(self, needs: Needs) -> tuple[Stage, ...]:
        slot = first_slot(needs)
        return self.slots[slot].lineage if slot else ()

    def _identity(self, needs: Needs, model: str) -> str | None:
        """Identity of what a slot starts from, where it is known before the search."""
        if isinstance(needs, Base):
            return model
        if isinstance(needs, Chosen):
            study = self.studies[needs.study]
            if study.trials > 1 or study.space:
                return None
        slot = self.slots[first_slot(needs)]
        return slot.identity if slot.identity != slot.key else None

    # -- studies

    def _pair_study(self, start: _Start, group: _Group, space: dict[str, Space]) -> Study:
        key = f"{start.key}>{group.label}"
        return self._study(key, space, **start.fields, target=",".join(group.targets))

    def _study(
        self, key: str, space: dict[str, Space], *, model: str, intermediate: str, target: str = ""
    ) -> Study:
        search = self.sweep.search
        grid = tuple(points(space)) if search.sampler == "grid" and space else ()
        oracle = search.selection == "oracle" and target
        self.studies[key] = Study(
            key=key,
            model=model,
            intermediate=intermediate,
            target=target,
            space=space,
            trials=len(grid) if grid else (search.trials if space else 1),
            grid=grid,
            objective="oracle" if oracle else "dev",
        )
        return self.studies[key]

    def _space(self, kind: StageKind, name: str, *, laddered: bool = False) -> dict[str, Space]:
        space = searched(self.sweep.settings(kind, name))
        if not laddered:
            return space
        return {k: ladder(v, self.sweep.search.ladder) for k, v in space.items()}


def _groups(sweep: Sweep) -> Iterator[_Group]:
    """Targets grouped by the training that they share. With the oracle each has its own."""
    groups: dict[str, list[str]] = {}
    for name in sweep.targets:
        task = sweep.task(name)
        if task.trainable:
            settings = sweep.settings("target", name).model_dump(mode="json")
            alone = name if sweep.search.selection == "oracle" else ""
            groups.setdefault(digest([task.train_task or name, settings, alone]), []).append(name)
    for names in groups.values():
        yield _Group(sweep.task(names[0]).train_task or names[0], tuple(names))
