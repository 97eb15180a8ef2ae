"""`sweeps/clusters/local.yaml` brought up over SSH between machines of the laboratory.

Only what the file asks the user to fill in is filled in. One cluster serves all tests of this file,
in their order: all workers join, one sweep runs undisturbed while every socket is tried without the
token, another loses a machine and comes to the same scores, and everything is taken down.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import xstilts
from tests.support import knocks, lab
from tests.support.lab import SHARED, Machine
from tests.support.lab_cluster import LabCluster, Run, knocked, listening, wait_for
from xstilts.clusters import cluster_file

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(bool(lab.missing()), reason=lab.missing() or "there can be a lab"),
]

SWEEP = Path(__file__).with_name("lab.yaml")
FILLED = {
    "192.0.2.10": "10.77.0.11",
    "192.0.2.11, 192.0.2.12": "10.77.0.12, 10.77.0.13",
    "~/.ssh/xstilts": "~/.ssh/lab",
}
"""What the file has for the user to replace, and what the lab has."""
PROMETHEUS = [f"{verb} {path} {200 if verb == 'get' else 405}" for verb, path in knocks.paths()]
"""What a page of numbers says, whatever it is asked for."""
HEALTH = ["get /api/healthz 200", "get /api/local_raylet_healthz 200"]
"""What an agent says to everybody: whether its node is well."""
ALIVE = ["/grpc.health.v1.Health/Check OK"]
"""What the head's directory, raylets, workers and drivers say to everybody: that they are there."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """The cluster, up, with a tunnel to its dashboard."""
    folder = tmp_path_factory.mktemp("lab")
    text = (lab.ROOT / "sweeps" / "clusters" / "local.yaml").read_text("utf-8")
    for blank, filled in FILLED.items():
        assert text.count(blank) == 1, f"{blank} is there {text.count(blank)} times"
        text = text.replace(blank, filled)
    with lab.lab(folder) as opened:
        shutil.copy(SWEEP, opened.shared)
        made = LabCluster(opened, text, "export RAY_UP_enable_autoscaler_v2=0")
        assert list(cluster_file.unfilled(made.file)) == []
        made.up()
        made.tunnel()
        yield made


@pytest.fixture(scope="module")
def head(cluster: LabCluster) -> Machine:
    return cluster.lab.machines[0]


def submitted(cluster: LabCluster, store: str, name: str = "") -> Run:
    """The sweep as a job, with a store in the folder that all machines share."""
    return cluster.submit(name or store, f"{SHARED}/{SWEEP.name}", f"{SHARED}/{store}")


def scores(cluster: LabCluster, store: str) -> pd.DataFrame:
    """The scores of a run, as numbers."""
    return xstilts.scores(str(SWEEP), store=str(cluster.lab.shared / store))


def training(machine: Machine) -> bool:
    """Whether a phase runs on a machine, in any of the names that Ray gives its process."""
    return bool(re.search(r"ray::\w+\.train\b", machine.done("ps -eo args")))


def in_the_middle(cluster: LabCluster, store: str) -> bool:
    """Whether the intermediate is being trained, and has kept a partial checkpoint of its own: the
    pretraining has no update that late.
    """
    kept = (cluster.lab.shared / store).glob("**/partial/*")
    return any(one.name.isdigit() and int(one.name) > 500 for one in kept)


def test_every_worker_joins(cluster: LabCluster, head: Machine) -> None:
    cluster.watch(head)
    everybody = [machine.address for machine in cluster.lab.machines]
    took = wait_for(lambda: cluster.alive() == everybody, 400)
    print(f"{len(everybody)} machines {took:.0f} s after `ray up` had ended")


def test_what_answers_without_the_token_is_known_and_nothing_else(
    cluster: LabCluster, head: Machine
) -> None:
    run = submitted(cluster, "undisturbed")
    machines = cluster.lab.machines
    wait_for(lambda: any(map(training, machines)), 300)
    assert "lab-v1-1: running" in cluster.about("status", "lab")
    sockets: dict[str, str] = {}
    for machine in machines:
        sockets |= {k: v for k, v in listening(machine).items() if not v.startswith("sshd")}
    for of in ("gcs_server", "raylet", SWEEP.name, "ray::PhaseTrial|ray::ResourceTrainable"):
        assert any(re.search(of, command) for command in sockets.values()), f"no socket of {of}"
    answers = knocked(cluster.client, sorted(sockets))
    known = {
        **{f"{machine.address}:8078": PROMETHEUS for machine in machines},
        **{f"{machine.address}:52365": HEALTH for machine in machines},
        f"{head.address}:44217": PROMETHEUS,
        f"{head.address}:44227": PROMETHEUS,
    }
    assert {where: answers.pop(where) for where in known} == known
    others = {where: said for where, said in answers.items() if said not in ([], ALIVE)}
    assert others == {}
    run.finished(900)
    assert "lab-v1-1: done" in run.log
    assert "6 done" in cluster.about("logs", "lab")


def test_a_run_that_loses_a_machine_has_the_undisturbed_scores(cluster: LabCluster) -> None:
    run = submitted(cluster, "disturbed")
    head, *workers = cluster.lab.machines
    wait_for(lambda: in_the_middle(cluster, "disturbed"), 400, every=0.1)
    victim = next(machine for machine in workers if training(machine))
    left = [machine.address for machine in (head, *workers) if machine is not victim]
    victim.kill()
    took = wait_for(lambda: cluster.alive() == left, 180, every=0.5)
    print(f"a machine without power was taken for dead after {took:.0f} s")
    run.finished(900)
    print(run.log)
    pd.testing.assert_frame_equal(
        scores(cluster, "disturbed"), scores(cluster, "undisturbed"), check_exact=True
    )


def test_a_run_whose_head_dies_is_carried_on_by_the_same_command(cluster: LabCluster) -> None:
    head = cluster.lab.machines[0]
    submitted(cluster, "headless")
    wait_for(lambda: in_the_middle(cluster, "headless"), 400, every=0.1)
    head.crash()
    began = time.monotonic()
    cluster.type("ray up --yes cluster.yaml", 300)
    cluster.tunnel()
    cluster.watch(head)
    wait_for(lambda: len(cluster.alive()) > 1, 240)
    print(f"head and worker {time.monotonic() - began:.0f} s after the head had died")
    run = submitted(cluster, "headless", "headless-2")
    run.finished(900)
    print(run.log)
    pd.testing.assert_frame_equal(
        scores(cluster, "headless"), scores(cluster, "undisturbed"), check_exact=True
    )


def test_a_machine_that_vanishes_is_taken_for_dead(cluster: LabCluster, head: Machine) -> None:
    (last,) = [one for one in cluster.lab.machines[1:] if one.address in cluster.alive()]
    last.unplug()
    took = wait_for(lambda: cluster.alive() == [head.address], 300, every=0.5)
    print(f"a machine that vanished was taken for dead after {took:.0f} s")


def test_down_ends_ray_on_every_machine(cluster: LabCluster) -> None:
    reached = [one for one in cluster.lab.machines if one.run("true").code == 0]
    cluster.down()
    took = wait_for(
        lambda: not any("raylet" in machine.done("ps -eo comm") for machine in reached), 180
    )
    print(f"Ray had ended everywhere {took:.0f} s after `ray down`")


def test_knocks_hear_a_ray_that_lets_everybody_in(tmp_path: Path) -> None:
    with lab.lab(tmp_path, [11]) as opened:
        (machine,) = opened.machines
        settings = "export PATH=~/xstilts-env/bin:$PATH RAY_AUTH_MODE=disabled"
        machine.done(f"{settings}; ray start --head --node-manager-port=8077", 120)
        client, node = f"{machine.address}:10001", f"{machine.address}:8077"
        wait_for(lambda: {client, node} <= set(listening(machine)), 60)
        said = knocked(opened.client, [client, node])
        assert "/ray.rpc.RayletDriver/ClusterInfo NOT_FOUND" in said[client]
        assert "/ray.rpc.NodeManagerService/CancelLocalTask OK" in said[node]
