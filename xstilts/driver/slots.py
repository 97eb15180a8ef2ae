"""How many phases run at the same time: as many as the cluster holds, while it grows and shrinks.

A phase fits where a node has the CPUs and the part of a GPU that each of its workers asks for, of
a kind that the sweep wants. A thread reads the nodes every two seconds; whoever asks gets the last
answer and never waits for Ray.

A cluster grows where something waits for room, so on a joined cluster more phases are asked for
than fit: up to `resources.slots` where the sweep gives it, else up to what the cluster's own
configuration allows, where it says so, else `MORE` at a time. Tune keeps those waiting, and they
hold nothing. A run on a cluster without room waits and says so; it ends only where no room can ever
come: on a machine of its own, or where the configuration has none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Self

import ray
from ray.tune.execution.placement_groups import PlacementGroupFactory

from xstilts.driver.ray_threads import asking
from xstilts.errors import EngineError
from xstilts.spec.gpus import OR, gpu_name, ray_names
from xstilts.spec.sweep import Resources

TRIAL_SLOT = "trial_slot"
"""Custom resource of a trial that waits for its Train workers."""
LABEL = "ray.io/accelerator-type"
"""Ray's label of a node's kind of GPU."""
NODE = "ray.io/node-id"
"""Ray's label of a node's id."""
MORE = 2
"""Phases that are asked for beyond those that fit, where nothing says how far a cluster grows."""
LOOK_SECONDS = 2.0
_ALMOST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a node has in all, free or not."""

    cpus: float
    gpus: float
    id: str = ""
    """Ray's id of the node."""
    label: str = ""
    """Of its kind of GPU, as Ray calls it."""
    trial_slots: float = 0


def kinds(resources: Resources) -> tuple[str, ...]:
    """The kinds of GPU that phases may run on, the preferred one first; `("",)` for any place."""
    if not resources.gpus_per_worker:
        return ("",)
    return tuple(dict.fromkeys(map(gpu_name, resources.gpus))) or ("",)


def fitting(nodes: Sequence[Node], resources: Resources) -> dict[str, int]:
    """Kind of GPU to the phases that fit at the same time, in the order of preference."""
    found = dict.fromkeys(kinds(resources), 0)
    for node in nodes:
        kind = next((one for one in found if not one or node.label in ray_names(one)), None)
        if kind is not None:
            found[kind] += _workers(node, resources)
    return {kind: workers // resources.workers for kind, workers in found.items()}


def _workers(node: Node, resources: Resources) -> int:
    """Workers that fit on a node."""
    fits = node.cpus / resources.cpus_per_worker
    if resources.gpus_per_worker:
        fits = min(fits, node.gpus / resources.gpus_per_worker)
    return int(fits + _ALMOST)


class Slots:
    """The places of a cluster, as they were when the nodes were last read."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.own = True
        """Whether the cluster was started by this run on this machine, and never grows."""
        self.nodes: Sequence[Node] = ()
        self._most: Mapping[str, float] | None = None
        """What the cluster may have in all, by its own configuration, where that is known."""
        self._reading = ExitStack()

    def __enter__(self) -> Self:
        """Reads the nodes and goes on doing so. EngineError where no room can ever come."""
        self._look()
        self._require()
        self._reading.enter_context(asking(self._look, LOOK_SECONDS, "slots"))
        return self

    def __exit__(self, *ending: object) -> None:
        self._reading.close()

    def _look(self) -> None:
        self.nodes = _nodes()
        self._most = None if self.own else _most()

    @property
    def by_kind(self) -> dict[str, int]:
        """Kind of GPU to the phases that fit now."""
        return fitting(self.nodes, self._resources)

    @property
    def now(self) -> int:
        """Phases that fit now, at most `resources.slots`."""
        fits = sum(self.by_kind.values())
        return min(fits, self._resources.slots or fits)

    @property
    def asked(self) -> int:
        """Phases that may be handed out: those that fit, and those that make a cluster grow."""
        if self.own:
            return self.now
        if self._resources.slots:
            return self._resources.slots
        if self._most is not None:
            return max(self.now, self._fit_at_most(self._most))
        return self.now + (MORE if self._resources.gpus_per_worker or not self.now else 0)

    def kind_for(self, running: Mapping[str, int]) -> str:
        """The kind of GPU for one more phase beside those that run, by kind: the most preferred
        with room. Without room it is any of them, `A100-80GB or L4`, and the phase goes where room
        comes first; but workers of one phase are to be alike and wait for the most preferred.
        """
        fits = self.by_kind
        several = OR.join(fits)
        waiting = running.get(several, 0) if len(fits) > 1 else 0
        for kind, most in fits.items():
            room = max(0, most - running.get(kind, 0))
            if room > waiting:
                return kind
            waiting -= room
        return several if self._resources.workers == 1 else next(iter(fits))

    def kind_beside(self, avoided: Collection[str], kind: str) -> str | None:
        """The kind of GPU for a phase that is to run on none of the `avoided` nodes: `kind` where
        it fits elsewhere, else the most preferred that does; None where none does.
        """
        others = [node for node in self.nodes if node.id not in avoided]
        there = [one for one, fits in fitting(others, self._resources).items() if fits]
        wanted = kind.split(OR)
        return kind if set(wanted) & set(there) else next(iter(there), None)

    def kind_at(self, nodes: Sequence[str]) -> str:
        """The kind of GPU of nodes, by their ids; empty where none of them is known."""
        ids = set(nodes)
        there = fitting([node for node in self.nodes if node.id in ids], self._resources)
        return next((kind for kind, fits in there.items() if fits), "")

    def waiting(self) -> str:
        """What is waited for, in words, where no phase fits; empty where one does."""
        if self.now:
            return ""
        resources = self._resources
        wanted = " or ".join(one for one in kinds(resources) if one)
        gpus = f" and {resources.gpus_per_worker:g} GPUs{f' ({wanted})' if wanted else ''}"
        each = f"{resources.cpus_per_worker} CPUs{gpus if resources.gpus_per_worker else ''}"
        workers = f"{resources.workers} x " if resources.workers > 1 else ""
        return f"waiting for nodes with {workers}{each}; {self._has()}"

    def _has(self) -> str:
        cpus, gpus = sum(node.cpus for node in self.nodes), sum(node.gpus for node in self.nodes)
        labels = sorted({node.label for node in self.nodes if node.label and node.gpus})
        unnamed = " of no known kind" if gpus and kinds(self._resources) != ("",) else ""
        named = f" ({', '.join(labels)})" if labels else unnamed
        return f"the cluster has {cpus:g} CPUs and {gpus:g} GPUs{named}"

    def _require(self) -> None:
        """EngineError where no phase fits and no node can come on which one does."""
        resources = self._resources
        trial_slots = sum(node.trial_slots for node in self.nodes)
        if resources.workers > 1 and trial_slots < 1:
            raise EngineError(
                f"the cluster has no `{TRIAL_SLOT}` resource, on which trials of several workers "
                "wait; start its head with "
                f"""--resources='{{"{TRIAL_SLOT}": 64}}'"""
            )
        hopeless = self.own or (self._most is not None and not self._fit_at_most(self._most))
        if self.now or not hopeless:
            return
        most = "" if self.own else ", and its configuration allows for no more that would do"
        wanted = " or ".join(one for one in kinds(resources) if one)
        raise EngineError(
            f"{self._has()}{most}; one phase asks for {resources.workers} x "
            f"{resources.cpus_per_worker} CPUs and {resources.workers} x "
            f"{resources.gpus_per_worker:g} GPUs{f' ({wanted})' if wanted else ''}; lower or "
            "change `resources:` in the sweep"
        )

    def _fit_at_most(self, most: Mapping[str, float]) -> int:
        """Phases that fit on a cluster with these resources in all."""
        whole = Node(cpus=most.get("CPU", 0), gpus=most.get("GPU", 0))
        return _workers(whole, self._resources) // self._resources.workers


def _nodes() -> list[Node]:
    """The nodes that live and are not being taken down."""
    leaving = ray._private.state.state.get_draining_nodes()
    return [
        Node(
            cpus=node["Resources"].get("CPU", 0),
            gpus=node["Resources"].get("GPU", 0),
            id=node["NodeID"],
            label=(node.get("Labels") or {}).get(LABEL, ""),
            trial_slots=node["Resources"].get(TRIAL_SLOT, 0),
        )
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] not in leaving
    ]


def _most() -> dict[str, float] | None:
    """What the cluster may have in all; None where its configuration is not known to Ray."""
    with suppress(Exception):  # not a public function: without it, nothing is known
        found = ray._private.state.state.get_max_resources_from_cluster_config()
        return None if found is None else {name: float(count) for name, count in found.items()}
    return None


# -- what a phase asks Ray for


def selector(kind: str, avoided: Sequence[str] = ()) -> dict[str, str]:
    """Ray's selector of nodes with a kind of GPU, or one of several, other than the `avoided`;
    empty for any node.
    """
    wanted = kind.split(OR) if kind else []
    names = tuple(dict.fromkeys(name for one in wanted for name in ray_names(one)))
    kinds_there = {LABEL: _one_of(names)} if names else {}
    return {**kinds_there, **({NODE: f"!{_one_of(avoided)}"} if avoided else {})}


def _one_of(values: Sequence[str]) -> str:
    """Ray's words for one of several values of a label."""
    return values[0] if len(values) == 1 else f"in({','.join(values)})"


def placement(
    resources: Resources, kind: str, avoided: Sequence[str] = ()
) -> PlacementGroupFactory:
    """What a trial holds: a phase of one worker runs in it; that of several only waits for them."""
    if resources.workers > 1:
        return PlacementGroupFactory([{TRIAL_SLOT: 1}])
    gpus = {"GPU": resources.gpus_per_worker} if resources.gpus_per_worker else {}
    bundle = {"CPU": float(resources.cpus_per_worker), **gpus}
    wanted = selector(kind, avoided)
    labels: dict[str, Any] = {"bundle_label_selector": [wanted]} if wanted else {}
    return PlacementGroupFactory([bundle], **labels)


def group(resources: Resources, kind: str, avoided: Sequence[str] = ()) -> dict[str, Any] | None:
    """What a trial's Train workers hold; None for a phase of one worker."""
    if resources.workers == 1:
        return None
    return {
        "workers": resources.workers,
        "cpus": resources.cpus_per_worker,
        "gpus": resources.gpus_per_worker,
        "retries": resources.retries,
        "labels": selector(kind, avoided),
    }
