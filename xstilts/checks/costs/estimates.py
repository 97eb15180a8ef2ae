"""Plan -> Cost: counts the work of every distinct phase; phases with the same work are computed
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from xstilts.checks.audit import cards
from xstilts.checks.costs import model_sizes
from xstilts.checks.costs.rows import operations, shape
from xstilts.checks.costs.values import UPDATE_BYTES, Cost, Work
from xstilts.errors import InputError
from xstilts.planning import Plan, Slot, largest
from xstilts.planning.counts import unshared
from xstilts.spec.gpus import GPUS, Gpu, gpu_name
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.stages import TRAINED_KINDS, PhaseKind
from xstilts.spec.sweep import Mixture, Model, Rates
from xstilts.spec.task import Task, Use

DEFAULT_UTILISATION = 0.3
"""Share of the peak that small-batch fine-tuning is assumed to reach; `--mfu` gives another."""
LEAST_SECONDS = 1.0
"""A phase without known work takes this long in a schedule: loading a model alone takes longer."""
Sizes = Callable[[Task, Use], int | None]
"""Rows of a use over all its languages; None if unknown."""


def estimate(
    plan: Plan,
    *,
    gpu: str | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    sizes: Sizes = cards.rows,
    base: str = ".",
) -> Cost:
    """The cost of a plan on `gpu` (default: `resources.gpu` of the sweep, else an A100-80GB).

    `sizes` gives numbers of rows; relative model folders start from `base`. InputError for an
    unknown GPU.
    """
    if not 0 < utilisation <= 1:
        raise InputError(
            f"utilisation of the GPU is {utilisation:g}; must be above 0 and at most 1"
        )
    name = gpu_name(gpu or next(iter(plan.sweep.resources.gpus), None))
    return _Estimator(plan, GPUS[name], utilisation, sizes, base).cost(name)


def phase_seconds(
    plan: Plan,
    *,
    gpu: str | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    sizes: Sizes = cards.rows,
    base: str = ".",
    least: float = LEAST_SECONDS,
) -> Callable[[Slot], float]:
    """How long the phase of each slot takes on one GPU, in seconds: to compare phases with one
    another, and for schedules. Needs no library and no data.

    A model of unknown size counts like XLM-R base; what else is unknown counts nothing, as in
    `estimate`. A phase takes at least `least` seconds.
    """
    name = gpu_name(gpu or next(iter(plan.sweep.resources.gpus), None))
    estimator = _Estimator(plan, GPUS[name], utilisation, sizes, base)
    for label, encoder in estimator.encoders.items():
        estimator.encoders[label] = encoder or model_sizes.KNOWN["xlm-roberta-base"]
    return lambda slot: max(least, estimator.hours(slot) * 3600)


_Key = tuple[PhaseKind, str, str, str]


class _Estimator:
    """Adds up the work of a plan's slots."""

    def __init__(self, plan: Plan, gpu: Gpu, utilisation: float, sizes: Sizes, base: str) -> None:
        self.plan, self.gpu, self.utilisation, self.sizes = plan, gpu, utilisation, sizes
        self.tasks = {task.name: task for task in plan.sweep.tasks}
        self.unknown: dict[str, dict[str, None]] = {}
        self.encoders = {
            model.label: model_sizes.encoder(model.id, base=base, mirror=plan.sweep.mirror)
            if isinstance(model, Model)
            else model_sizes.of_config(model.config)
            for model in plan.sweep.models
        }
        self._works: dict[_Key, Work] = {}
        self._examples: dict[_Key, Slot] = {}
        """One slot for each amount of work."""

    def cost(self, gpu: str) -> Cost:
        by_kind: dict[PhaseKind, Work] = {}
        phases: dict[PhaseKind, int] = {}
        trainings, at_once = Work(), self._alone()
        slots = self.plan.distinct().values()
        for key, count in Counter(map(self._key, slots)).items():
            work, kind = self._work(key).times(count), key[0]
            by_kind[kind] = by_kind.get(kind, Work()) + work
            phases[kind] = phases.get(kind, 0) + count
            trainings = trainings + work if kind in ("intermediate", "target") else trainings
        saved = (at_once + trainings.times(-1)).positive()
        return Cost(
            gpu=gpu,
            utilisation=self.utilisation,
            by_kind=by_kind,
            phases=phases,
            saved=saved,
            unknown=[f"{what} {', '.join(names)}" for what, names in self.unknown.items()],
        )

    def hours(self, slot: Slot) -> float:
        """GPU hours of a slot's phase."""
        return self._work(self._key(slot)).hours

    def _alone(self) -> Work:
        """All trainings if every pair trained its own intermediate."""
        counts: Counter[_Key] = Counter()
        for slot, times in unshared(self.plan):
            counts[self._key(slot)] += times
        return sum((self._work(key).times(count) for key, count in counts.items()), Work())

    def _key(self, slot: Slot) -> _Key:
        """Equal for slots with the same work."""
        key = (slot.kind, slot.model, slot.task, slot.target)
        self._examples.setdefault(key, slot)
        return key

    def _work(self, key: _Key) -> Work:
        if key not in self._works:
            slot = self._examples[key]
            self._works[key] = (
                self._trained(slot) if slot.kind in TRAINED_KINDS else self._evaluated(slot)
            )
        return self._works[key]

    def _trained(self, slot: Slot) -> Work:
        hyper = largest(self.plan.settings(slot))
        members = [self.tasks[name] for name in self.plan.sweep.members(slot.task)]
        examples = hyper.steps * hyper.batch_size
        evaluations = -(-hyper.steps // hyper.evaluation_interval_steps)
        total = self._updates(slot, hyper.steps)
        for task, rate in zip(
            members, self._rates(members, self.plan.sweep.mixture(slot.task)), strict=True
        ):
            total += self._passes(slot, task, hyper, examples * rate, training=True)
            total += self._passes(slot, task, hyper, self._rows(task, "dev") * evaluations)
        return total

    def _updates(self, slot: Slot, steps: int) -> Work:
        """Moving the parameters through memory, once for each update."""
        encoder = self.encoders.get(slot.model)
        moved = (
            steps * UPDATE_BYTES * (encoder.parameters + encoder.vocabulary * encoder.hidden)
            if encoder
            else 0
        )
        return Work(hours=moved / (self.gpu.memory * 1e9) / 3600)

    def _evaluated(self, slot: Slot) -> Work:
        task, hyper = self.tasks[slot.task], largest(self.plan.settings(slot))
        uses = filter(task.has, task.uses("evaluate"))
        return sum((self._passes(slot, task, hyper, self._rows(task, use)) for use in uses), Work())

    def _passes(
        self, slot: Slot, task: Task, hyper: Hyperparameters, rows: float, *, training: bool = False
    ) -> Work:
        """`rows` through the model: forward, in a training also backward."""
        work = Work()
        for leaf, share in self._shares(task):
            windows, sequences, length = shape(leaf, hyper, training=training)
            tokens = rows * share * windows * sequences * length
            encoder = self.encoders.get(slot.model)
            if encoder is None:
                self._lacks("size of model", slot.model)
            flops = (
                tokens * operations(encoder, length, leaf) * (3 if training else 1)
                if encoder
                else 0.0
            )
            speed = self.gpu.peak(hyper.precision) * 1e12 * self.utilisation
            seen = {"examples" if training else "evaluated": rows * share}
            work += Work(**seen, tokens=tokens, hours=flops / speed / 3600)
        return work

    def _shares(self, task: Task) -> list[tuple[Task, float]]:
        """The parts of a union and their shares of its rows; equal shares if sizes are unknown."""
        counts = [self.sizes(leaf, "train") or 0 for leaf in task.leaves]
        whole = sum(counts) if all(counts) else 0
        return [
            (leaf, n / whole if whole else 1 / len(counts))
            for leaf, n in zip(task.leaves, counts, strict=True)
        ]

    def _rates(self, members: list[Task], mixture: Mixture | None) -> list[float]:
        if mixture is None:
            return [1.0]
        from xstilts.spec.rates import member_rates

        counts = [self.sizes(task, "train") for task in members]
        fixed_rates = mixture.rates.fixed if isinstance(mixture.rates, Rates) else {}
        shared = [
            n for task, n in zip(members, counts, strict=True) if task.name not in fixed_rates
        ]
        if (
            None in shared
            and len(shared) > 1
            and not isinstance(mixture.rates, tuple)
            and mixture.rates != "uniform"
        ):
            self._lacks(
                "train rows for the rates (so all members count the same) of", mixture.label
            )
            counts = [1] * len(members)
        return [
            float(x)
            for x in member_rates([n or 1 for n in counts], mixture.rates, list(mixture.mixture))
        ]

    def _rows(self, task: Task, use: Use) -> int:
        found = self.sizes(task, use)
        if found is None:
            self._lacks(f"{use} rows of", task.name)
        return found or 0

    def _lacks(self, what: str, name: str) -> None:
        self.unknown.setdefault(what, {})[name] = None
