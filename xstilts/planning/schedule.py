"""Which phase goes first, and what follows from that: the order of a run, and a simulation of it.

`Order` ranks slots that are ready. The board hands them out by it, and `simulate` uses the same
rank, so that a simulated schedule is the one that a run would follow. Nothing here knows machines,
stores or Ray; how long a phase takes is a function that the caller gives.

The order, from the first key to the last:

1. *Evaluations.* They are short, nothing waits for them, and they are what a run that is cut short
   has to show: a training without its scores is in no table.
2. *The longest way.* The way of a phase is the time from its start to the end of the plan along the
   longest chain of phases that wait for one another (the critical path). No schedule is shorter
   than the longest way, and a phase far up on it delays everything below. So intermediates come
   before targets, the stages of a chain in their order, and long targets before short ones.
3. *Fair rounds.* Of equal ways, the trial with the lower number: every study gets its first trial
   before any gets its second. The pairs of one target, the baseline among them, have equal ways
   once their intermediates are there, because a target costs the same from every start. They are
   what is compared, and a run that is cut short has searched them equally. Seeds that wait for a
   choice come last; where nothing is searched, all seeds are of the first round.
4. The order of the plan: the seeds of one pair beside each other.

A joint search trains an intermediate within each trial, and these differ in length from pair to
pair; there rounds come before ways, or the pair with the longest intermediate would be searched to
its end before another is begun.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field

from xstilts.planning.needs import Chosen, Filled, Needs
from xstilts.planning.plan import Plan, Slot

Seconds = Callable[[Slot], float]
"""How long a slot's phase takes, in seconds; equal for slots that differ only in what they start
from.
"""
Rank = tuple[int, float, float, int]


def ways(plan: Plan, seconds: Seconds) -> dict[str, float]:
    """Slot to the seconds from its start to the end of the plan, along the longest chain of phases
    that wait for one another.
    """
    found: dict[str, float] = {}
    behind: dict[Needs, float] = defaultdict(float)
    """The longest way of those that need something."""
    for slot in reversed(plan.slots):
        after = behind[Filled(slot.key)]
        if slot.study:
            after = max(after, behind[Chosen(slot.study)])
        way = found[slot.key] = seconds(slot) + after
        for needs in (slot.needs, *([Chosen(slot.like)] if slot.like else [])):
            behind[needs] = max(behind[needs], way)
    return found


class Order:
    """Ranks the slots of a plan: the lowest rank goes first."""

    def __init__(self, plan: Plan, seconds: Seconds) -> None:
        self._plan = plan
        self._place = {slot.key: i for i, slot in enumerate(plan.slots)}
        self._joint = plan.sweep.search.order == "joint"
        self.ways: dict[str, float] = {}
        self.learn(seconds)

    def learn(self, seconds: Seconds) -> None:
        """Ranks by other times from now on: those that the run has seen."""
        self.ways = ways(self._plan, seconds)

    def rank(self, slot: Slot) -> Rank:
        """See the module's opening."""
        place = self._place[slot.key]
        others = len(self._place) if slot.like else 0
        later = float(slot.trial if slot.trial is not None else others)
        way = -self.ways[slot.key]
        first = 0 if slot.kind == "evaluate" else 1
        return (first, later, way, place) if self._joint else (first, way, later, place)


# -- simulation


@dataclass(frozen=True, kw_only=True)
class Places:
    """Places of one kind in which phases run, each one phase at a time."""

    kind: str
    """Name of the GPU; empty where it does not matter."""
    count: int
    seconds: Seconds
    """How long a slot's phase takes in one of them."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One phase of a schedule."""

    slot: Slot
    kind: str
    """Of its place."""
    place: int
    """Number of the place among all of the schedule, from 0."""
    began: float
    """Seconds since the start."""
    ended: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When each phase runs, and where."""

    runs: Sequence[Run]
    places: Mapping[str, int]
    """Kind to the number of its places."""
    longest_way: float = 0.0
    """Seconds: no cluster of this kind, however large, is faster."""
    unreachable: int = field(default=0)
    """Slots that nothing of the plan leads to; none in a sound plan."""

    @property
    def seconds(self) -> float:
        """From the start of the first phase to the end of the last: the makespan."""
        return max((run.ended for run in self.runs), default=0.0)

    def busy(self, kind: str | None = None) -> float:
        """Seconds in which places are used, all of them added up; of one kind if it is given."""
        return sum(run.ended - run.began for run in self.runs if kind in (None, run.kind))

    @property
    def idle(self) -> float:
        """Share of the places' time until the end in which they are not used, 0 to 1."""
        whole = self.seconds * sum(self.places.values())
        return 1 - self.busy() / whole if whole else 0.0


def simulate(
    plan: Plan, places: Sequence[Places], done: AbstractSet[str] = frozenset()
) -> Schedule:
    """The schedule of a plan on these places, the preferred kind first. `done`: identities of the
    slots whose phase has a record.

    Every trial of a search runs to its end, and nothing fails. A phase that several slots stand for
    runs once.
    """
    order = Order(plan, places[0].seconds)
    ready = _Ready(plan, order, done)
    free = [(i, n) for i, one in enumerate(places) for n in range(one.count)]
    heapq.heapify(free)
    starts = [sum(one.count for one in places[:i]) for i in range(len(places))]
    running: list[tuple[float, int, tuple[int, int], str]] = []
    runs: list[Run] = []
    now = 0.0
    while True:
        while free and (slot := ready.next()) is not None:
            kind, number = heapq.heappop(free)
            ended = now + places[kind].seconds(slot)
            heapq.heappush(running, (ended, len(runs), (kind, number), slot.key))
            runs.append(
                Run(
                    slot=slot,
                    kind=places[kind].kind,
                    place=starts[kind] + number,
                    began=now,
                    ended=ended,
                )
            )
        if not running:
            break
        now = running[0][0]
        while running and running[0][0] <= now:
            _, _, place, key = heapq.heappop(running)
            heapq.heappush(free, place)
            ready.finish(key)
    counts: dict[str, int] = defaultdict(int)
    for one in places:
        counts[one.kind] += one.count
    return Schedule(
        runs=runs,
        places=dict(counts),
        longest_way=max(order.ways.values(), default=0.0),
        unreachable=ready.left,
    )


class _Ready:
    """The slots of a plan that can run, as the board finds them."""

    def __init__(self, plan: Plan, order: Order, done: AbstractSet[str]) -> None:
        self._order, self._done = order, set(done)
        self._slots = {slot.key: slot for slot in plan.slots}
        self._open: dict[str, set[str]] = defaultdict(set)
        """Study to its slots that have not ended."""
        self._waiting: dict[Needs, list[str]] = defaultdict(list)
        self._lacks: dict[str, int] = {}
        self._heap: list[tuple[Rank, str]] = []
        self._under_way: dict[str, list[str]] = {}
        """Identity that runs to the slots that stand for it."""
        self.left = len(self._slots)
        for slot in plan.slots:
            if slot.study:
                self._open[slot.study].add(slot.key)
        for slot in plan.slots:
            needs = [slot.needs, *([Chosen(slot.like)] if slot.like else [])]
            wanted = [one for one in needs if isinstance(one, Filled | Chosen)]
            self._lacks[slot.key] = len(wanted)
            for one in wanted:
                self._waiting[one].append(slot.key)
            if not wanted:
                self._push(slot.key)

    def _push(self, key: str) -> None:
        heapq.heappush(self._heap, (self._order.rank(self._slots[key]), key))

    def next(self) -> Slot | None:
        """The slot to run now; None where none is ready. What is done already costs nothing."""
        while self._heap:
            _, key = heapq.heappop(self._heap)
            slot = self._slots[key]
            if slot.identity in self._done:
                self._end(key)
            elif slot.identity in self._under_way:
                self._under_way[slot.identity].append(key)
            else:
                self._under_way[slot.identity] = [key]
                return slot
        return None

    def finish(self, key: str) -> None:
        """A slot's phase has ended."""
        identity = self._slots[key].identity
        self._done.add(identity)
        for one in self._under_way.pop(identity, [key]):
            self._end(one)

    def _end(self, key: str) -> None:
        self.left -= 1
        self._met(Filled(key))
        study = self._slots[key].study
        if study:
            self._open[study].discard(key)
            if not self._open[study]:
                self._met(Chosen(study))

    def _met(self, needs: Needs) -> None:
        for key in self._waiting.pop(needs, []):
            self._lacks[key] -= 1
            if not self._lacks[key]:
                self._push(key)
