"""How many phases run at the same time: counted from nodes, and on a cluster that grows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.default_signals import default_signals
from tests.support.tiny import make_sweep
from xstilts.driver import slots
from xstilts.driver.slots import LABEL, MORE, NODE, Node, Slots, fitting, group, placement, selector
from xstilts.errors import EngineError
from xstilts.spec.sweep import Resources
from xstilts.store.spent import read_spent

A100, L4 = Node(cpus=64, gpus=4, label="A100"), Node(cpus=8, gpus=1, label="L4")


def resources(**fields: Any) -> Resources:
    return Resources.model_validate(fields)


def seen(nodes: list[Node], most: dict[str, float] | None = None, **fields: Any) -> Slots:
    """Places of a joined cluster with these nodes; no Ray is asked."""
    found = Slots(resources(**fields))
    found.own, found.nodes, found._most = False, nodes, most
    return found


@pytest.mark.parametrize(
    ("nodes", "asked", "fits"),
    [
        ([Node(cpus=8, gpus=0)], {}, 8),
        ([Node(cpus=8, gpus=0)], {"cpus_per_worker": 3}, 2),
        ([Node(cpus=8, gpus=0)], {"slots": 5}, 5),
        ([Node(cpus=8, gpus=0)], {"slots": 20}, 8),
        ([A100], {"gpus_per_worker": 1}, 4),
        ([A100], {"gpus_per_worker": 0.5}, 8),
        ([A100], {"gpus_per_worker": 1, "cpus_per_worker": 32}, 2),
        ([A100, L4], {"gpus_per_worker": 1}, 5),
        ([A100, L4], {"gpus_per_worker": 1, "gpu": "L4"}, 1),
        ([A100, L4], {"gpus_per_worker": 1, "gpu": ["A100-80GB", "L4"]}, 5),
        ([A100], {"gpus_per_worker": 1, "gpu": "H100"}, 0),
        ([Node(cpus=4, gpus=0), L4], {"gpus_per_worker": 1}, 1),
        ([A100], {"workers": 2, "gpus_per_worker": 1}, 2),
        ([L4, L4, L4], {"workers": 2, "gpus_per_worker": 1}, 1),
        ([Node(cpus=3, gpus=0)] * 2, {"cpus_per_worker": 2}, 2),
    ],
)
def test_slots_are_the_phases_that_fit_at_the_same_time(
    nodes: list[Node], asked: dict[str, Any], fits: int
) -> None:
    assert seen(nodes, **asked).now == fits


def test_fitting_counts_each_kind_in_the_order_of_preference() -> None:
    wanted = resources(gpus_per_worker=1, gpu=["L4", "a100"])
    assert list(fitting([A100, L4], wanted).items()) == [("L4", 1), ("A100-80GB", 4)]


def test_slots_choose_the_preferred_kind_while_it_has_room() -> None:
    found = seen([A100, L4], gpus_per_worker=1, gpu=["L4", "A100-80GB"])
    assert found.kind_for({}) == "L4"
    assert found.kind_for({"L4": 1}) == "A100-80GB"
    assert found.kind_for({"L4": 1, "A100-80GB": 4}) == "L4 or A100-80GB"  # what has room first


def test_slots_leave_room_for_phases_that_wait_for_any_kind() -> None:
    found = seen([A100, L4], gpus_per_worker=1, gpu=["L4", "A100-80GB"])
    assert found.kind_for({"L4 or A100-80GB": 1}) == "A100-80GB"
    assert found.kind_for({"L4 or A100-80GB": 4, "L4": 1}) == "L4 or A100-80GB"


def test_slots_without_room_tie_several_workers_to_the_preferred_kind() -> None:
    assert seen([], gpus_per_worker=1, workers=2, gpu=["L4", "A100-80GB"]).kind_for({}) == "L4"
    assert seen([], gpus_per_worker=1, gpu="L4").kind_for({}) == "L4"
    assert seen([]).kind_for({}) == ""


def test_slots_know_which_kind_a_phase_has_got_by_its_node() -> None:
    nodes = [Node(cpus=8, gpus=1, label="A100", id="a"), Node(cpus=8, gpus=0, id="head")]
    found = seen(nodes, gpus_per_worker=1, gpu=["L4", "A100-80GB"])
    assert found.kind_at(["a"]) == "A100-80GB"
    assert found.kind_at(["head", "gone"]) == ""


def test_slots_ask_a_cluster_for_more_than_fits() -> None:
    assert seen([L4], gpus_per_worker=1).asked == 1 + MORE
    assert seen([L4], gpus_per_worker=1, slots=6).asked == 6
    assert seen([L4], {"CPU": 80, "GPU": 10}, gpus_per_worker=1).asked == 10
    assert seen([], gpus_per_worker=1).asked == MORE
    assert seen([Node(cpus=8, gpus=0)]).asked == 8  # CPUs: what there is
    own = seen([L4], gpus_per_worker=1, slots=6)
    own.own = True
    assert own.asked == 1


def test_slots_follow_the_nodes() -> None:
    found = seen([A100, L4], gpus_per_worker=1)
    assert found.now == 5
    found.nodes = [L4]
    assert (found.now, found.waiting()) == (1, "")


def test_slots_without_room_say_what_is_waited_for_and_what_there_is() -> None:
    found = seen([L4, Node(cpus=4, gpus=0)], gpus_per_worker=0.5, gpu=["H100", "A100-40GB"])
    assert found.waiting() == (
        "waiting for nodes with 1 CPUs and 0.5 GPUs (H100 or A100-40GB); the cluster has 12 CPUs "
        "and 1 GPUs (L4)"
    )
    unlabelled = seen([Node(cpus=4, gpus=2)], gpus_per_worker=1, gpu="L4")
    assert unlabelled.waiting().endswith("the cluster has 4 CPUs and 2 GPUs of no known kind")
    assert seen([], workers=2, cpus_per_worker=4).waiting() == (
        "waiting for nodes with 2 x 4 CPUs; the cluster has 0 CPUs and 0 GPUs"
    )


def test_slots_where_no_room_can_come_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_nodes", lambda: [Node(cpus=4, gpus=0)])
    with (
        pytest.raises(EngineError, match=r"has 4 CPUs and 0 GPUs; one phase asks for 1 x 1 CPUs"),
        Slots(resources(gpus_per_worker=1)),
    ):
        pass
    joined = Slots(resources(gpus_per_worker=1, gpu="L4"))
    joined.own = False
    monkeypatch.setattr(slots, "_most", lambda: {"CPU": 64.0})
    with pytest.raises(EngineError, match=r"its configuration allows for no more.*\(L4\); lower"):
        joined.__enter__()
    monkeypatch.setattr(slots, "_most", lambda: None)
    with joined as waiting:
        assert waiting.waiting()


def test_slots_of_several_workers_need_the_resource_on_which_their_trials_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "_nodes", lambda: [Node(cpus=8, gpus=0)])
    with pytest.raises(EngineError, match=r'no `trial_slot` resource.*\{"trial_slot": 64\}'):
        Slots(resources(workers=2)).__enter__()
    monkeypatch.setattr(slots, "_nodes", lambda: [Node(cpus=8, gpus=0, trial_slots=64)])
    with Slots(resources(workers=2)) as found:
        assert found.now == 4


def test_selector_takes_every_name_that_ray_has_for_a_kind() -> None:
    assert selector("L4") == {LABEL: "L4"}
    assert selector("A100-80GB") == {LABEL: "in(A100-80GB,A100-80G,A100)"}
    assert selector("L4 or A100-80GB") == {LABEL: "in(L4,A100-80GB,A100-80G,A100)"}
    assert selector("") == {}


def test_selector_leaves_out_nodes_to_be_avoided() -> None:
    assert selector("", ["n1"]) == {NODE: "!n1"}
    assert selector("L4", ["n1", "n2"]) == {**selector("L4"), NODE: "!in(n1,n2)"}
    assert placement(Resources(), "", ["n1"]) != placement(Resources(), "")
    workers = group(Resources(workers=2), "", ["n1"])
    assert workers is not None and workers["labels"] == {NODE: "!n1"}


def test_slots_know_which_kind_of_gpu_is_left_beside_nodes_to_be_avoided() -> None:
    found = Slots(Resources(gpus_per_worker=1, gpu=("H100", "L4")))
    found.nodes = [
        Node(cpus=8, gpus=1, label="H100", id="h"),
        Node(cpus=8, gpus=1, label="L4", id="l"),
        Node(cpus=8, gpus=0, id="head"),
    ]
    assert found.kind_beside(["l"], "H100") == "H100"
    assert found.kind_beside(["h"], "H100") == "L4"
    assert found.kind_beside(["h"], "H100 or L4") == "H100 or L4"
    assert found.kind_beside(["h", "l"], "L4") is None


def test_placement_of_one_worker_holds_its_part_of_a_gpu_of_its_kind() -> None:
    wanted = resources(gpus_per_worker=0.5, cpus_per_worker=2)
    assert placement(wanted, "L4").bundles == [{"CPU": 2.0, "GPU": 0.5}]
    assert placement(wanted, "L4") != placement(wanted, "H100")
    assert placement(wanted, "") == placement(wanted, "")
    assert group(wanted, "L4") is None


def test_placement_of_several_workers_is_that_of_their_group() -> None:
    wanted = resources(gpus_per_worker=1, workers=4)
    assert placement(wanted, "L4").bundles == [{"trial_slot": 1}]
    assert group(wanted, "L4") == {
        "workers": 4,
        "cpus": 1,
        "gpus": 1.0,
        "retries": 2,
        "labels": {LABEL: "L4"},
    }


# -- a cluster that grows

DRIVER = """
import json, sys, xstilts
def watch(snapshot):
    print(json.dumps(snapshot), flush=True)
ran = xstilts.run(sys.argv[1], watch=watch)
print(json.dumps({"ran": ran.to_json()}), flush=True)
"""


def wait_for(shown: Path, what: Callable[[dict[str, Any]], Any], seconds: float = 150) -> Any:
    """What of the driver's snapshots gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in shown.read_text().splitlines(keepends=True):
            if line.endswith("\n") and line.startswith("{") and (found := what(json.loads(line))):
                return found
        time.sleep(0.2)
    raise AssertionError(shown.read_text()[-3000:])


@contextmanager
def driven(file: Path, shown: Path) -> Iterator[tuple[Any, subprocess.Popen[bytes]]]:
    """A cluster whose head has one CPU and no GPU, and a driver that has joined it."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "resources": {"trial_slot": 64}}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    with shown.open("w") as out:
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(file)],
            stdout=out,
            env={**os.environ, "RAY_ADDRESS": cluster.address, "XSTILTS_MIRROR": ""},
            preexec_fn=default_signals,
        )
    try:
        yield cluster, driver
    finally:
        driver.kill()
        driver.wait()
        cluster.shutdown()


@pytest.mark.ray
def test_engine_waits_for_gpus_and_tokenises_meanwhile(tmp_path: Path) -> None:
    few = {"intermediates": ["none"], "seeds": [1], "search": {"trials": 1}}
    gpus = {"gpus_per_worker": 0.5, "gpu": ["A100-80GB", "L4"]}
    file, shown = make_sweep(tmp_path, **few, resources=gpus), tmp_path / "shown.jsonl"
    with driven(file, shown) as (cluster, driver):
        said = wait_for(shown, lambda one: "waiting for" in one.get("doing", "") and one["doing"])
        assert said == (
            "waiting for nodes with 1 CPUs and 0.5 GPUs (A100-80GB or L4); the cluster has 1 CPUs "
            "and 0 GPUs"
        )
        wait_for(shown, lambda one: one.get("counts", {}).get("running"))
        assert len(list((tmp_path / "store/data/encoded").glob("*/facts.json"))) == 2
        cluster.add_node(num_cpus=2, num_gpus=1, labels={LABEL: "L4"})
        ran = wait_for(shown, lambda one: one.get("ran"))
        assert driver.wait(60) == 0
        assert (ran["failures"], ran["stopped"], ran["counts"]) == ([], "", {"done": 2})
    assert (read_spent(tmp_path / "store/sweeps/tiny-v1") or {}).keys() == {"L4"}


@pytest.mark.ray
@pytest.mark.slow
def test_engine_follows_a_cluster_that_grows_and_shrinks(tmp_path: Path) -> None:
    gpus = {"gpus_per_worker": 0.5, "gpu": ["A100-80GB", "L4"], "retries": 5}
    longer = {"lr": 0.001, "steps": 200, "batch_size": 8, "max_length_tokens": 16}
    changes = {"intermediate": longer, "target": dict(longer), "seeds": [1, 2, 3]}
    file, shown = make_sweep(tmp_path, **changes, resources=gpus), tmp_path / "shown.jsonl"
    with driven(file, shown) as (cluster, driver):
        wait_for(shown, lambda one: "waiting for" in one.get("doing", ""))
        small = cluster.add_node(num_cpus=2, num_gpus=1, labels={LABEL: "L4"})
        wait_for(shown, lambda one: one.get("slots") == 2 and one["counts"].get("done"))
        cluster.add_node(num_cpus=4, num_gpus=2, labels={LABEL: "A100"})
        wait_for(shown, lambda one: one.get("slots") == 6 and one["counts"].get("done", 0) > 1)
        cluster.remove_node(small)
        wait_for(shown, lambda one: one.get("slots") == 4)
        ran = wait_for(shown, lambda one: one.get("ran"))
        assert driver.wait(60) == 0
        assert (ran["failures"], ran["stopped"]) == ([], "")
    assert (read_spent(tmp_path / "store/sweeps/tiny-v1") or {}).keys() == {"L4", "A100-80GB"}
