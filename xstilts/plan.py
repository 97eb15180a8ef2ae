"""Sweep -> Plan: every slot that a run will fill, who waits for whom, and what it will cost. Pure.

A *slot* is a place for one phase. Its hyperparameters may still be open ("trial 2 of the study of
squad"), so a slot is named by its place in the sweep, not by a phase id. `needs` says what it starts from:
another slot, or the *chosen* slot of a study (`best:<study>`), or nothing (a base model).

A *study* is one search. In the staged order each intermediate has a study of its own on its English
development set, and each pair a study of the target's hyperparameters above the chosen
intermediate. In the joint order a pair's study suggests both, the intermediate's from a shared ladder.
Targets that train on the same task with the same settings (XQuAD and MLQA on SQuAD) share one study.

Slots that are known to be the same phase carry the same `identity`; a plan counts identities. What is
still open is counted as if every suggestion were new, so the counts are upper bounds there.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from xstilts.identity import digest
from xstilts.sweep import (
    BASELINE,
    Choice,
    Hyperparameters,
    IntRange,
    LogRange,
    Mixture,
    PhaseKind,
    Pretraining,
    Settings,
    Space,
    Sweep,
    mixture_label,
)
from xstilts.task import Task, evaluation_payload, training_payload

BEST = "best:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place for one phase."""

    key: str
    kind: PhaseKind
    model: str
    intermediate: str
    target: str
    """Name of the target; of several that share a training, joined by commas."""
    task: str
    """Label of what is trained or evaluated."""
    seed: int
    study: str = ""
    trial: int | None = None
    role: Literal["trial", "final"] = "final"
    needs: str = ""
    """Slot key, or `best:<study>`, or nothing."""
    like: str = ""
    """Study whose chosen hyperparameters it is run with; nothing: they are fixed, or its own study's."""
    prefix: str = ""
    """`intermediate.` where its hyperparameters are that part of a joint study's."""
    identity: str = ""
    """Equal for slots known to be one phase."""


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
    """Every point, where the plan enumerates them."""
    objective: Literal["dev", "oracle"] = "dev"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All slots of a sweep in an order in which parents come first."""

    sweep: Sweep
    slots: tuple[Slot, ...]
    studies: dict[str, Study]
    naive: dict[str, int] = field(default_factory=dict)
    """Trainings by kind if every target training brought its own intermediate."""

    def distinct(self) -> dict[str, Slot]:
        """Identity to its first slot."""
        first: dict[str, Slot] = {}
        for slot in self.slots:
            first.setdefault(slot.identity, slot)
        return first

    def counts(self) -> dict[str, int]:
        """Distinct phases by kind."""
        counts = Counter(slot.kind for slot in self.distinct().values())
        return {kind: counts.get(kind, 0) for kind in ("pretrain", "intermediate", "target", "evaluate")}

    def summary(self) -> dict[str, Any]:
        """What `xstilts plan --json` prints of the plan alone."""
        counts = self.counts()
        trainings = {kind: counts[kind] for kind in ("pretrain", "intermediate", "target")}
        return {
            "sweep": self.sweep.name,
            "version": self.sweep.version,
            "phases": sum(counts.values()),
            "trainings": trainings,
            "evaluations": counts["evaluate"],
            "slots": len(self.slots),
            "studies": len(self.studies),
            "trials_per_study": sorted({study.trials for study in self.studies.values()}),
            "shared_savings": {kind: max(0, self.naive[kind] - trainings[kind]) for kind in self.naive},
            "examples": self._examples(),
            "exact": all(not study.space or study.grid for study in self.studies.values()),
        }

    def _examples(self) -> int:
        total = 0
        cache: dict[tuple[str, str], int] = {}
        for slot in self.distinct().values():
            if slot.kind == "evaluate":
                continue
            key = (slot.kind, slot.target.split(",")[0] if slot.kind == "target" else slot.task)
            if key not in cache:
                cache[key] = _most_examples(self.settings(slot))
            total += cache[key]
        return total

    def settings(self, slot: Slot) -> Settings:
        """The settings a slot's hyperparameters come from."""
        if slot.kind == "pretrain":
            return self.pretraining(slot.model).settings
        if slot.kind == "intermediate":
            return self.sweep.settings("intermediate", slot.task)
        return self.sweep.settings("target", slot.target.split(",")[0])

    def pretraining(self, model: str) -> Pretraining:
        """The pretraining that yields `model`."""
        return next(m for m in self.sweep.models if isinstance(m, Pretraining) and m.name == model)


def _most_examples(settings: Settings) -> int:
    given = settings.given()
    return int(
        most(given.get("steps", Hyperparameters().steps)) * most(given.get("batch_size", Hyperparameters().batch_size))
    )


def most(setting: Any) -> float:
    if isinstance(setting, Choice):
        return max(float(value) for value in setting.choice)
    if isinstance(setting, LogRange):
        return setting.log[1]
    return float(setting.int[1] if isinstance(setting, IntRange) else setting)


def fixed(settings: Settings) -> dict[str, Any]:
    """The settings that are not searched."""
    return {k: v for k, v in settings.given().items() if not isinstance(v, Choice | LogRange | IntRange)}


def searched(settings: Settings) -> dict[str, Space]:
    """The settings that are searched, in a fixed order."""
    return {k: v for k, v in sorted(settings.given().items()) if isinstance(v, Choice | LogRange | IntRange)}


def own_part(params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The part of a suggestion that is an intermediate's (`intermediate.`) or the target's (no prefix)."""
    if prefix:
        return {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
    return {k: v for k, v in params.items() if "." not in k}


def ladder(space: Space, rungs: int) -> Choice:
    """A few values that stand for a space, so that pairs share phases; evenly spaced, ends included."""
    if isinstance(space, Choice):
        return space
    if isinstance(space, LogRange):
        low, high = (math.log(x) for x in space.log)
        values = [math.exp(low + (high - low) * (i / (rungs - 1) if rungs > 1 else 0.5)) for i in range(rungs)]
        return Choice(choice=tuple(float(f"{value:.3g}") for value in values))
    low, high = space.int
    steps = [round(low + (high - low) * (i / (rungs - 1) if rungs > 1 else 0.5)) for i in range(rungs)]
    return Choice(choice=tuple(dict.fromkeys(steps)))


def make(sweep: Sweep) -> Plan:
    """Every slot of the sweep. Cost: 100,000 phases in seconds; nothing is read from disk."""
    return _Maker(sweep).make()


@dataclass(frozen=True)
class _Group:
    """Targets that share one training."""

    train_task: str
    targets: tuple[str, ...]
    label: str


class _Maker:
    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.slots: dict[str, Slot] = {}
        self.studies: dict[str, Study] = {}
        self.tasks = {task.name: task for task in sweep.tasks}
        self._digests: dict[tuple[str, str], str] = {}
        self.groups = self._groups()
        self.retrievals = [t for t in sweep.targets if not self.tasks[t].trainable]

    def make(self) -> Plan:
        for model in self.sweep.models:
            name = model.name if isinstance(model, Pretraining) else model.label
            root = self._pretrain(model) if isinstance(model, Pretraining) else ""
            for intermediate in self.sweep.intermediates:
                self._pairs(str(name), root, intermediate)
        return Plan(sweep=self.sweep, slots=tuple(self.slots.values()), studies=self.studies, naive=self._naive())

    # -- slots ---------------------------------------------------------------------------------

    def _pretrain(self, model: Pretraining) -> str:
        key = f"{model.name}/pretrain"
        hyper = digest(fixed(model.settings))
        task = self._training(model.task)
        self._add(
            Slot(
                key=key, kind="pretrain", model=model.name, intermediate="", target="", task=model.task, seed=model.seed
            ),
            "pretrain",
            model.name,
            task,
            hyper,
            str(model.seed),
        )
        return key

    def _pairs(self, model: str, root: str, intermediate: str | Mixture) -> None:
        label = mixture_label(intermediate)
        joint = self.sweep.search.order == "joint" and label != BASELINE
        staged_needed = not joint or self.retrievals
        base = f"{model}/{label}"
        if label != BASELINE and staged_needed:
            self._study(base, model, label, "", self._space("intermediate", label, laddered=joint))
            self._trials(base, "intermediate", model, label, "", label, root)
            self._finals(base, "intermediate", model, label, "", label, lambda seed: root)
        for group in self.groups:
            if joint:
                self._joint_pair(model, root, label, group)
            else:
                self._staged_pair(model, root, label, group)
        for target in self.retrievals:
            for seed in self.sweep.seeds:
                needs = root if label == BASELINE else self._at_seed(base, seed)
                self._evaluation(f"{base}>{target}", model, label, target, seed, needs, study="")

    def _staged_pair(self, model: str, root: str, label: str, group: _Group) -> None:
        base = f"{model}/{label}>{group.label}"
        before = f"{model}/{label}"

        def parent(seed: int) -> str:
            return root if label == BASELINE else self._at_seed(before, seed)

        target = ",".join(group.targets)
        self._study(base, model, label, target, self._space("target", group.targets[0]))
        self._trials(base, "target", model, label, target, group.train_task, parent(self.sweep.seeds[0]))
        self._finals(base, "target", model, label, target, group.train_task, parent)
        self._evaluations(base, model, label, group)

    def _joint_pair(self, model: str, root: str, label: str, group: _Group) -> None:
        base, target = f"{model}/{label}>{group.label}", ",".join(group.targets)
        before = {f"intermediate.{k}": v for k, v in self._space("intermediate", label, laddered=True).items()}
        # The target's part first: its random points are then those of the baseline.
        self._study(base, model, label, target, {**self._space("target", group.targets[0]), **before})
        study = self.studies[base]
        for trial in range(self.studies[base].trials):
            asked: dict[str, Any] = {"study": base, "trial": trial, "seed": self.sweep.seeds[0], "role": "trial"}
            point = study.grid[trial] if study.grid else ({} if not study.space else None)
            self._joint(f"{base}/t{trial}", model, root, label, group, point, **asked)
        for seed in self.sweep.seeds[1:]:
            point = None if study.space else {}
            self._joint(f"{base}/s{seed}", model, root, label, group, point, like=base, seed=seed)
        self._evaluations(base, model, label, group)

    def _joint(
        self, key: str, model: str, root: str, label: str, group: _Group, point: dict[str, Any] | None, **fields: Any
    ) -> None:
        """An intermediate and the target after it, both run with one suggestion; `point`, where it is known."""
        pair: dict[str, Any] = {"model": model, "intermediate": label, **fields}
        first = f"{key}/intermediate"
        before = Slot(key=first, kind="intermediate", target="", task=label, needs=root, prefix="intermediate.", **pair)
        target, task = ",".join(group.targets), group.train_task
        after = Slot(key=key, kind="target", target=target, task=task, needs=first, **pair)
        for slot, prefix in ((before, "intermediate."), (after, "")):
            own = None if point is None else own_part(point, prefix)
            self._add(slot, *self._known(slot, own) if own is not None else ())

    def _trials(self, base: str, kind: PhaseKind, model: str, label: str, target: str, task: str, needs: str) -> None:
        study, seed = self.studies[base], self.sweep.seeds[0]
        for trial in range(study.trials):
            slot = Slot(
                key=f"{base}/t{trial}",
                kind=kind,
                model=model,
                intermediate=label,
                target=target,
                task=task,
                study=base,
                trial=trial,
                seed=seed,
                role="trial",
                needs=needs,
            )
            point = study.grid[trial] if study.grid else None
            self._add(slot, *self._known(slot, point) if point is not None or not study.space else ())

    def _finals(self, base: str, kind: PhaseKind, model: str, label: str, target: str, task: str, needs: Any) -> None:
        study = self.studies[base]
        for seed in self.sweep.seeds[1:]:
            slot = Slot(
                key=f"{base}/s{seed}",
                kind=kind,
                model=model,
                intermediate=label,
                target=target,
                task=task,
                seed=seed,
                like=base,
                needs=needs(seed),
            )
            self._add(slot, *self._known(slot, {}) if not study.space else ())

    def _evaluations(self, base: str, model: str, label: str, group: _Group) -> None:
        oracle = self.sweep.search.selection == "oracle"
        for target in group.targets:
            pair = f"{model}/{label}>{target}"
            for trial in range(self.studies[base].trials if oracle else 0):
                self._evaluation(
                    pair, model, label, target, self.sweep.seeds[0], f"{base}/t{trial}", study=base, trial=trial
                )
            for seed in self.sweep.seeds:
                self._evaluation(pair, model, label, target, seed, self._at_seed(base, seed), study="")

    def _evaluation(
        self,
        pair: str,
        model: str,
        label: str,
        target: str,
        seed: int,
        needs: str,
        study: str,
        trial: int | None = None,
    ) -> None:
        slot = Slot(
            key=f"{pair}/eval/{f's{seed}' if trial is None else f't{trial}'}",
            kind="evaluate",
            model=model,
            intermediate=label,
            target=target,
            task=target,
            seed=seed,
            needs=needs,
            study=study,
            trial=trial,
            role="final" if trial is None else "trial",
        )
        known = not needs or self._identity(needs) is not None
        self._add(slot, *("evaluate", self._evaluated(target), self._identity(needs) or model) if known else ())

    def _at_seed(self, base: str, seed: int) -> str:
        """The slot that is the pair's (or intermediate's) final training with `seed`."""
        return f"{BEST}{base}" if seed == self.sweep.seeds[0] else f"{base}/s{seed}"

    # -- identities ----------------------------------------------------------------------------

    def _add(self, slot: Slot, *parts: str) -> None:
        identity = digest(parts) if parts else slot.key
        self.slots[slot.key] = Slot(
            **{name: getattr(slot, name) for name in Slot.__slots__ if name != "identity"}, identity=identity
        )

    def _identity(self, needs: str) -> str | None:
        """Identity of what a slot starts from, where it is known before the search."""
        if needs.startswith(BEST):
            study = self.studies[needs[len(BEST) :]]
            needs = f"{study.key}/t0" if study.trials == 1 and not study.space else ""
        slot = self.slots.get(needs)
        return slot.identity if slot is not None and slot.identity != slot.key else None

    def _known(self, slot: Slot, point: dict[str, Any] | None) -> tuple[str, ...]:
        """What the identity of a training with known hyperparameters is made of; empty where its parent is open."""
        parent = self._identity(slot.needs) if slot.needs else slot.model
        if parent is None:
            return ()
        kind: PhaseKind = slot.kind
        name = slot.target.split(",")[0] if kind == "target" else slot.task
        hyper = {**fixed(self.sweep.settings(kind, name)), **(point or {})}
        return (
            "train",
            parent,
            self._training(slot.task),
            digest(Hyperparameters(**hyper).model_dump(mode="json")),
            str(slot.seed),
        )

    def _training(self, label: str) -> str:
        if ("train", label) not in self._digests:
            mixture = self.mixture(label)
            names = mixture.mixture if mixture else (label,)
            mixed = mixture.model_dump(mode="json", include={"rates", "heads"}) if mixture else None
            self._digests["train", label] = digest([[training_payload(self.tasks[n]) for n in names], mixed])
        return self._digests["train", label]

    def _evaluated(self, target: str) -> str:
        if ("evaluate", target) not in self._digests:
            lengths = {
                k: v
                for k, v in self.sweep.settings("target", target).given().items()
                if k in ("max_length_tokens", "doc_stride_tokens")
            }
            dumped = {k: v.model_dump() if hasattr(v, "model_dump") else v for k, v in lengths.items()}
            self._digests["evaluate", target] = digest([evaluation_payload(self.tasks[target]), dumped])
        return self._digests["evaluate", target]

    def mixture(self, label: str) -> Mixture | None:
        """The mixture called `label`, if it is one."""
        return next((m for m in self.sweep.intermediates if isinstance(m, Mixture) and m.label == label), None)

    # -- studies and groups --------------------------------------------------------------------

    def _study(self, key: str, model: str, label: str, target: str, space: dict[str, Space]) -> None:
        search = self.sweep.search
        grid = tuple(_points(space)) if search.sampler == "grid" and space else ()
        trials = len(grid) if grid else (search.trials if space else 1)
        oracle = search.selection == "oracle" and target
        self.studies[key] = Study(
            key=key,
            model=model,
            intermediate=label,
            target=target,
            space=space,
            trials=trials,
            grid=grid,
            objective="oracle" if oracle else "dev",
        )

    def _space(self, kind: PhaseKind, name: str, laddered: bool = False) -> dict[str, Space]:
        space = searched(self.sweep.settings(kind, name))
        return {k: ladder(v, self.sweep.search.ladder) for k, v in space.items()} if laddered else space

    def _groups(self) -> list[_Group]:
        groups: dict[str, list[str]] = {}
        alone = self.sweep.search.selection == "oracle"
        for target in self.sweep.targets:
            task: Task = self.tasks[target]
            if task.trainable:
                settings = self.sweep.settings("target", target).model_dump(mode="json")
                key = digest([task.train_task or target, settings, target if alone else ""])
                groups.setdefault(key, []).append(target)
        return [_Group(self.tasks[t[0]].train_task or t[0], tuple(t), "+".join(t)) for t in groups.values()]

    def _naive(self) -> dict[str, int]:
        intermediates = sum(mixture_label(i) != BASELINE for i in self.sweep.intermediates)
        per_seed = len(self.sweep.models) * (len(self.sweep.seeds) - 1)
        trials = {k: s.trials for k, s in self.studies.items() if s.target}
        pairs = len(self.groups) * len(self.sweep.models) * len(self.sweep.seeds)
        trained = sum(len(group.targets) for group in self.groups)
        with_intermediate = sum(n for k, n in trials.items() if self.studies[k].intermediate != BASELINE)
        own = max([s.trials for s in self.studies.values() if not s.target], default=1)
        searched_once = intermediates * pairs * own if self.sweep.search.order == "staged" else with_intermediate
        if self.sweep.search.order == "staged" and len(self.sweep.seeds) > 1:
            searched_once = intermediates * len(self.groups) * (len(self.sweep.models) * own + per_seed)
        finals = (
            per_seed * (intermediates + 1) * trained
            if BASELINE in map(mixture_label, self.sweep.intermediates)
            else per_seed * intermediates * trained
        )
        targets = sum(self.studies[k].trials * len(self.studies[k].target.split(",")) for k in trials)
        return {"intermediate": searched_once, "target": targets + finals}


def _points(space: dict[str, Space]) -> Iterator[dict[str, Any]]:
    """Every point of a space of choices, the last name changing fastest."""
    choices = [value.choice for value in space.values() if isinstance(value, Choice)]
    if len(choices) != len(space):
        raise ValueError("a grid needs `choice` for everything that is searched")
    for point in itertools.product(*choices):
        yield dict(zip(space, point, strict=True))
