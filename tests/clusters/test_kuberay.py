"""`sweeps/clusters/kuberay.yaml` is what KubeRay and Kubernetes take, and lets nobody else in.

`kubernetes/schema.json` has the fields, as data; `kubernetes/make_schema.py` says where from.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

HERE = Path(__file__).resolve().parent
FILE = HERE.parents[1] / "sweeps" / "clusters" / "kuberay.yaml"
SCHEMA = json.loads((HERE / "kubernetes" / "schema.json").read_text("utf-8"))
DEFINITIONS = {
    "RayJob": "RayJob",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "ServiceAccount": "V1ServiceAccount",
    "NetworkPolicy": "V1NetworkPolicy",
}
"""Kind to its name in the schema."""
Change = Callable[[dict[str, Any]], object]


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(FILE.read_text("utf-8")))


def document(kind: str) -> dict[str, Any]:
    (found,) = (one for one in documents() if one["kind"] == kind)
    return found


def mistakes(value: dict[str, Any]) -> list[str]:
    """What a document has that its kind does not take."""
    wanted = {**SCHEMA, "$ref": f"#/definitions/{DEFINITIONS[value['kind']]}"}
    found = jsonschema.Draft7Validator(wanted).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def pods(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pod templates of a job: submitter, head and workers."""
    cluster = job["spec"]["rayClusterSpec"]
    yield job["spec"]["submitterPodTemplate"]
    yield cluster["headGroupSpec"]["template"]
    yield from (group["template"] for group in cluster["workerGroupSpecs"])


def test_every_document_is_what_kubernetes_takes() -> None:
    kinds = [one["kind"] for one in documents()]
    assert kinds == ["PersistentVolumeClaim", "ServiceAccount", "NetworkPolicy", "RayJob"]
    assert [mistakes(one) for one in documents()] == [[], [], [], []]


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job["spec"].update(shutdownAfterJobFinish=True),
        lambda job: job["spec"].update(ttlSecondsAfterFinished="300"),
        lambda job: job["spec"]["rayClusterSpec"]["authOptions"].update(mode="tokens"),
        lambda job: job["spec"]["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].update(n=0),
        lambda job: job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].pop("groupName"),
        lambda job: next(pods(job))["spec"]["containers"][0].update(volumeMount=[]),
        lambda job: next(pods(job))["spec"].update(terminationGracePeriod=1),
        lambda job: job.update(apiVersion="ray.io/v1alpha1"),
    ],
)
def test_mistake_in_the_job_is_found(change: Change) -> None:
    job = copy.deepcopy(document("RayJob"))
    change(job)
    assert mistakes(job)


def test_cluster_asks_for_a_token_and_goes_away_when_the_sweep_has_ended() -> None:
    spec = document("RayJob")["spec"]
    assert spec["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    assert spec["shutdownAfterJobFinishes"] is True
    assert spec["submitterConfig"] == {"backoffLimit": 0}
    stop = yaml.safe_load(spec["runtimeEnvYAML"])["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"]
    assert float(stop) >= 60


def test_head_takes_no_phase_and_gpu_workers_come_and_go() -> None:
    cluster = document("RayJob")["spec"]["rayClusterSpec"]
    given = cluster["headGroupSpec"]["rayStartParams"]
    assert (given["num-cpus"], given["num-gpus"]) == ("0", "0")
    # KubeRay puts it into a shell's command line, so it is quoted twice
    assert json.loads(json.loads(given["resources"])) == {"trial_slot": 64}
    assert cluster["enableInTreeAutoscaling"] is True
    (group,) = cluster["workerGroupSpecs"]
    assert group["minReplicas"] == 0 < group["maxReplicas"]
    (container,) = group["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert cluster["autoscalerOptions"]["idleTimeoutSeconds"] > 0


def test_every_pod_is_confined_and_behind_the_policy() -> None:
    policy = document("NetworkPolicy")["spec"]
    label = policy["podSelector"]["matchLabels"]
    assert policy["policyTypes"] == ["Ingress"]
    assert all(rule.get("from") for rule in policy["ingress"]), "a rule without `from` is for all"
    for pod in pods(document("RayJob")):
        assert label.items() <= pod["metadata"]["labels"].items()
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


def test_ray_is_the_version_that_the_project_pins() -> None:
    lock = (HERE.parents[1] / "requirements.lock").read_text().splitlines()
    (pinned,) = (line.partition("==")[2] for line in lock if line.startswith("ray=="))
    assert document("RayJob")["spec"]["rayClusterSpec"]["rayVersion"] == pinned


def test_file_holds_no_secret() -> None:
    text = FILE.read_text("utf-8").lower()
    assert "auth_token" not in text and "kind: secret" not in text
    names = [
        variable["name"]
        for pod in pods(document("RayJob"))
        for container in pod["spec"]["containers"]
        for variable in container.get("env", ())
    ]
    assert names == []
