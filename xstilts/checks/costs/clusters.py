"""How long a plan takes on a given cluster, and what that costs: its schedule, simulated.

Each phase takes as long as `estimates` reckons for its kind of GPU, and phases are handed out by
the order of a run (`planning.schedule`). So a schedule is as good as the estimates of single
phases; what it adds, the order and the waiting, was compared with runs of the real engine
(`tests/benchmarks/schedule.py`).

Phases that share a GPU get their share of its speed each, and the workers of a phase divide its
work without loss: the first is careful, the second is not. All trials run to their end; nothing
fails; nodes are there from the start to the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from xstilts.checks.costs.estimates import phase_seconds
from xstilts.errors import InputError
from xstilts.planning.plan import Plan, Slot
from xstilts.planning.schedule import Places, Schedule, simulate
from xstilts.spec.gpus import gpu_name

FACTORS = (0.5, 1.0, 2.0, 4.0)
"""How many times as many nodes the table goes through."""
_NODES = re.compile(r"(?:(\d+)\s*x\s*)?(?:(\d+)\s*x\s*)?([A-Za-z][\w -]*)")


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """GPUs of one kind."""

    kind: str
    count: int
    price: float | None = None
    """Of one GPU for an hour."""

    def __str__(self) -> str:
        return f"{self.count}x{self.kind}"


def gpus_of(text: str, prices: Sequence[float] = ()) -> tuple[Gpus, ...]:
    """`4xA100-80GB,2xL4`: GPUs by kind, the preferred first; `2x8xH100`: two nodes of eight.

    `prices`: one for each kind, or one for all. InputError for what can't be read.
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        read = _NODES.fullmatch(part.strip())
        count = int(read[1] or 1) * int(read[2] or 1) if read else 0
        if read is None or not count:
            raise InputError(
                f'nodes are "{text}"; must be like 4xA100-80GB, or 2x8xH100,4xL4 for two nodes of '
                "eight and four of one GPU"
            )
        kind = gpu_name(read[3].strip())
        found[kind] = found.get(kind, 0) + count
    if len(prices) not in (0, 1, len(found)):
        raise InputError(
            f"{len(prices)} prices for {len(found)} kinds of GPU ({', '.join(found)}); give one "
            "for each, or one for all"
        )
    if any(price <= 0 for price in prices):
        raise InputError(f"a price is {min(prices):g}; must be above 0")
    each: list[float | None] = [*prices] * (len(found) if len(prices) == 1 else 1)
    return tuple(
        Gpus(kind=kind, count=count, price=price)
        for (kind, count), price in zip(found.items(), each or [None] * len(found), strict=True)
    )


@dataclass(frozen=True, kw_only=True)
class OnCluster:
    """A plan's schedule on a cluster."""

    gpus: tuple[Gpus, ...]
    schedule: Schedule
    gpus_per_place: float
    """GPUs that one phase holds."""

    @property
    def hours(self) -> float:
        """The makespan."""
        return self.schedule.seconds / 3600

    def held(self, kind: str | None = None) -> float:
        """GPU hours that phases hold; of one kind if it is given."""
        return self.schedule.busy(kind) / 3600 * self.gpus_per_place

    @property
    def rented(self) -> float:
        """GPU hours of the whole cluster, until the last phase has ended."""
        return self.hours * sum(one.count for one in self.gpus)

    @property
    def idle(self) -> float:
        """Share of the rented GPU hours that no phase holds, 0 to 1."""
        return 1 - self.held() / self.rented if self.rented else 0.0

    def money(self, hours: Callable[[Gpus], float]) -> float | None:
        """What these hours of each kind cost; None without prices."""
        costs = [hours(one) * one.price for one in self.gpus if one.price is not None]
        return sum(costs) if len(costs) == len(self.gpus) else None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        whole = self.money(lambda one: self.hours * one.count)
        held = self.money(lambda one: self.held(one.kind))
        return {
            "nodes": ",".join(map(str, self.gpus)),
            "hours": round(self.hours, 3),
            "idle": round(self.idle, 4),
            "gpu_hours_held": round(self.held(), 2),
            "gpu_hours_rented": round(self.rented, 2),
            "money_rented": None if whole is None else round(whole, 2),
            "money_held": None if held is None else round(held, 2),
        }


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A plan on the cluster that was asked for, and on smaller and larger ones of its kind."""

    asked: OnCluster
    others: tuple[OnCluster, ...]
    """By size, the one that was asked for among them."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            **self.asked.to_json(),
            "phases": len(self.asked.schedule.runs),
            "longest_way_hours": round(self.asked.schedule.longest_way / 3600, 3),
            "others": [one.to_json() for one in self.others],
            "notes": list(self.notes),
        }


def on_cluster(
    plan: Plan,
    gpus: Sequence[Gpus],
    *,
    utilisation: float,
    base: str = ".",
    slots_per_gpu: int | None = None,
    done: AbstractSet[str] = frozenset(),
) -> Simulated:
    """The schedule of a plan on these GPUs, and on half, twice and four times as many.

    `slots_per_gpu`: phases that share a GPU; left out: what `resources.gpus_per_worker` says.
    `done`: identities of the slots whose phase has a record. InputError where no phase fits.
    """
    simulation = _Simulation(plan, utilisation, base, slots_per_gpu, done)
    asked = simulation.on(gpus)
    others = {asked.gpus: asked}
    for factor in FACTORS:
        scaled = tuple(
            Gpus(kind=one.kind, count=max(1, round(one.count * factor)), price=one.price)
            for one in gpus
        )
        if scaled not in others and simulation.fits(scaled):
            others[scaled] = simulation.on(scaled)
    by_size = sorted(others.values(), key=lambda one: sum(gpu.count for gpu in one.gpus))
    return Simulated(asked=asked, others=tuple(by_size), notes=simulation.notes(gpus))


class _Simulation:
    """One plan on several clusters; what a phase takes is computed once for each kind of GPU."""

    def __init__(
        self,
        plan: Plan,
        utilisation: float,
        base: str,
        slots_per_gpu: int | None,
        done: AbstractSet[str],
    ) -> None:
        self._plan, self._utilisation, self._base, self._done = plan, utilisation, base, done
        resources = plan.sweep.resources
        share = resources.gpus_per_worker if 0 < resources.gpus_per_worker < 1 else 1.0
        self._per_gpu = slots_per_gpu or int(1 / share + 1e-6)
        self._workers = resources.workers
        self._seconds: dict[str, Callable[[Slot], float]] = {}

    def fits(self, gpus: Sequence[Gpus]) -> bool:
        """Whether a phase fits on a cluster."""
        return any(map(self._places, gpus))

    def on(self, gpus: Sequence[Gpus]) -> OnCluster:
        """The schedule on a cluster."""
        if not self.fits(gpus):
            raise InputError(
                f"nodes are {','.join(map(str, gpus))}; one phase has {self._workers} workers and "
                "needs as many GPUs of one kind"
            )
        limit = self._plan.sweep.resources.slots
        places: list[Places] = []
        for one in gpus:
            count = self._places(one)
            if limit is not None:
                count = min(count, limit - sum(before.count for before in places))
            places.append(Places(kind=one.kind, count=count, seconds=self._seconds_on(one.kind)))
        schedule = simulate(self._plan, [one for one in places if one.count], self._done)
        held = self._workers / self._per_gpu
        return OnCluster(gpus=tuple(gpus), schedule=schedule, gpus_per_place=held)

    def notes(self, gpus: Sequence[Gpus]) -> tuple[str, ...]:
        """What a reader must know of the numbers."""
        resources, told = self._plan.sweep.resources, []
        limit = resources.slots
        if limit is not None and sum(map(self._places, gpus)) > limit:
            told.append(f"resources.slots lets {limit} phases run at once, though more would fit")
        wanted = set(map(gpu_name, resources.gpus)) if resources.gpus_per_worker else set()
        others = [one.kind for one in gpus if one.kind not in wanted]
        if wanted and others:
            told.append(
                f"resources.gpu has not {', '.join(others)}: a run would use no such GPU until it "
                "does"
            )
        if self._per_gpu > 1:
            told.append(f"{self._per_gpu} phases share a GPU; each is reckoned with its share")
        return tuple(told)

    def _places(self, gpus: Gpus) -> int:
        return gpus.count * self._per_gpu // self._workers

    def _seconds_on(self, kind: str) -> Callable[[Slot], float]:
        if kind not in self._seconds:
            alone = phase_seconds(
                self._plan, gpu=kind, utilisation=self._utilisation, base=self._base
            )
            slower = self._per_gpu / self._workers
            self._seconds[kind] = lambda slot: alone(slot) * slower
        return self._seconds[kind]
