"""`cluster.yaml` brought up on a fake EC2 between machines of the laboratory.

The file is as it is shipped, with what it asks the user to fill in; roles, bucket and security
group are made by the commands of docs/clusters.md. AWS is moto, whose instances become machines of
the lab (`tests/support/fake_ec2.py`). What the cloud's metadata service would give, credentials
and region, are variables of each login shell here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import lab
from tests.support.fake_ec2 import ADDRESS
from tests.support.lab_cluster import WAY, LabCluster, wait_for
from tests.support.pages import commands
from xstilts.clusters import cluster_file

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(bool(lab.missing()), reason=lab.missing() or "there can be a lab"),
    pytest.mark.skipif(lab.aws_program() is None, reason="the commands of the page need `aws`"),
]

SWEEP = Path(__file__).with_name("lab.yaml")
MLFLOW = "http://127.0.0.1:5000"
PATH = "export PATH=~/xstilts-env/bin:$PATH"
PORT = 5555
CLOUD = {
    "AWS_ENDPOINT_URL": f"http://{ADDRESS}:{PORT}",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What the cloud itself would tell its machines, and your `aws configure` you."""
BOTH_KINDS = """
import json, time, ray
ray.init(logging_level="ERROR", log_to_driver=False)

@ray.remote(num_gpus=1)
def where():
    time.sleep(5)
    return ray.get_runtime_context().get_node_id()

used = set(ray.get([where.remote() for _ in range(2)], timeout=240))
nodes = [one for one in ray.nodes() if one["NodeID"] in used]
print("used", json.dumps([[one["Resources"], one["Labels"]] for one in nodes]))
"""
"""A job for two GPUs at once: a machine of each kind has to come."""
RUNS = f"""
import mlflow
mlflow.set_tracking_uri("{MLFLOW}")
client = mlflow.MlflowClient()
found = client.search_runs([one.experiment_id for one in client.search_experiments()])
print("runs", len(found), *sorted({{one.info.status for one in found}}))
"""
"""Asks MLflow on the head, as the user there, for all runs."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Lab]:
    """A lab whose machines wait to be instances, with bucket, roles and group as the page says."""
    folder = tmp_path_factory.mktemp("cloud")
    with lab.lab(folder, [-11, -12, -13], CLOUD) as opened:
        python = "~/xstilts-env/bin/python"
        script = f"{lab.ROOT}/tests/support/fake_ec2.py"
        opened.client.start(f"{python} {script} {PORT}", folder / "ec2.log")
        opened.client.done(f"until (exec 3<> /dev/tcp/{ADDRESS}/{PORT}); do sleep 0.2; done", 60)
        yield opened


@pytest.fixture(scope="module")
def cluster(cloud: lab.Lab) -> LabCluster:
    """The cluster, up, with a tunnel to its dashboard; two machines of GPUs at most."""
    page = commands("clusters.md", "AWS: before you begin")
    page = page.replace("YOUR-BUCKET", "lab-bucket")
    said = cloud.client.done(f"{PATH}; set -eu\n{page}", 180)
    image = cloud.client.done(
        f"{PATH}; aws ec2 describe-images --query 'Images[0].ImageId' --output text"
    ).strip()
    text = (lab.ROOT / "cluster.yaml").read_text("utf-8")
    for blank, filled in {
        "ami-FILL-IN": image,
        "[sg-FILL-IN]": re.findall(r"security_groups: (\S+)", said)[0],
        "max_workers: 4": "max_workers: 1",
        "    max_workers: 0\n    resources: {CPU: 4": "    max_workers: 1\n    resources: {CPU: 4",
    }.items():
        assert text.count(blank) == 1, f"{blank} is there {text.count(blank)} times"
        text = text.replace(blank, filled)
    made = LabCluster(cloud, text)
    (cloud.folder / "n1" / "home" / "work" / "sweep.yaml").write_text(
        SWEEP.read_text("utf-8")
        .replace("steps: 2500", "steps: 50")
        .replace("steps: 300", "steps: 50")
    )
    assert [*cluster_file.unfilled(made.file), *cluster_file.problems(made.file)] == []
    made.up()
    made.tunnel()
    return made


def instances(cluster: LabCluster) -> list[list[str]]:
    """State, kind of machine, `spot` or None, and role of each instance."""
    asked = (
        "aws ec2 describe-instances --output json --query 'Reservations[].Instances[]"
        ".[State.Name, InstanceType, InstanceLifecycle, IamInstanceProfile.Arn]'"
    )
    return [
        [*one[:3], (one[3] or "").rpartition("/")[2]] for one in json.loads(cluster.type(asked))
    ]


def test_up_starts_the_head_alone(cluster: LabCluster) -> None:
    assert instances(cluster) == [["running", "m7i.xlarge", None, "xstilts-head"]]


def test_mlflow_on_the_head_asks_who_one_is(cluster: LabCluster) -> None:
    cluster.start(commands("clusters.md", WAY, 5), "mlflow")
    page = f"{MLFLOW}/api/2.0/mlflow/experiments/search"
    asked = f"curl -s -o /dev/null -w '%{{http_code}}' {page}"
    wait_for(lambda: cluster.client.run(asked).text == "401", 60)


def test_a_machine_of_each_kind_comes_when_a_job_asks(cluster: LabCluster) -> None:
    (cluster.lab.shared / "both.py").write_text(BOTH_KINDS)
    said = cluster.type("ray job submit -- python /srv/shared/both.py", 400)
    used = json.loads(re.findall(r"^used (.*)$", said, re.M)[0])
    assert len(used) == 2
    for resources, labels in used:
        assert (resources["CPU"], resources["GPU"]) == (4, 1)
        assert labels["ray.io/accelerator-type"] == "L40S"
    assert sorted(map(str, instances(cluster)[1:])) == [
        "['running', 'g6e.xlarge', 'spot', 'xstilts-worker']",
        "['running', 'g6e.xlarge', None, 'xstilts-worker']",
    ]


def test_a_machine_waits_for_the_notice_that_it_will_be_taken_away(cluster: LabCluster) -> None:
    for machine in cluster.lab.machines[1:]:
        watching = machine.done("ps -eo args | grep '[x]stilts cluster watch-spot'")
        assert (
            len(re.findall(r"^\S*python\S* .*watch-spot --address \S+:6379$", watching, re.M)) == 1
        )


def test_a_sweep_keeps_its_results_in_the_bucket_and_shows_them_in_mlflow(
    cluster: LabCluster,
) -> None:
    # the page's bucket answers over TLS alone, which this cloud does not speak
    cluster.type("aws s3api delete-bucket-policy --bucket lab-bucket")
    run = cluster.submit("sweep", "sweep.yaml", "s3://lab-bucket/store", MLFLOW)
    run.finished(900)
    assert "lab-v1-1: done" in run.log
    assert "lab-v1-1: done" in cluster.about("status", "lab")
    scores = cluster.type("xstilts scores sweep.yaml --store s3://lab-bucket/store --json", 120)
    assert '"gen-who"' in scores
    (cluster.lab.shared / "runs.py").write_text(RUNS)
    said = cluster.lab.machines[0].done("python /srv/shared/runs.py", 120)
    (count, states), *_ = re.findall(r"^runs (\d+) (.*)$", said, re.M)
    assert int(count) >= 6, "a run a phase, and those of the sweep and its pairs"
    assert states == "FINISHED"


def test_down_ends_every_instance(cluster: LabCluster) -> None:
    cluster.down()
    wait_for(lambda: {one[0] for one in instances(cluster)} == {"terminated"}, 60)
