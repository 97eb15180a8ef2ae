"""Which cluster is meant: what is given, RAY_ADDRESS, the cluster file of the folder, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from xstilts.clusters import address
from xstilts.clusters.address import dashboard_of, head_of
from xstilts.errors import EngineError, InputError


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeDashboard]:
    """A cluster whose token is here, a folder without a cluster file, and no RAY_ADDRESS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with fake_dashboard() as fake:
        yield fake


def test_dashboard_that_is_given_goes_before_the_variable(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:1")
    with dashboard_of(f"{cluster.url}/") as found:
        assert found.url == cluster.url


def test_variable_names_the_dashboard_too(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster.url)
    with dashboard_of(None) as found:
        assert found.url == cluster.url


def test_address_of_the_cluster_itself_is_asked_for_its_dashboard(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def gcs(given: str, source: str) -> str:
        asked.append(given)
        return cluster.url

    monkeypatch.setattr(address, "ask_gcs", gcs)
    with dashboard_of("10.0.0.5:6379") as found:
        assert (found.url, asked) == (cluster.url, ["10.0.0.5:6379"])


@pytest.mark.parametrize(("given", "name"), [(None, "cluster.yaml"), ("mine.yml", "mine.yml")])
def test_cluster_file_is_reached_through_a_tunnel(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch, given: str | None, name: str
) -> None:
    Path(name).write_text("cluster_name: mine\n")
    opened: list[Any] = []

    @contextmanager
    def tunnel(host: str, auth: Any) -> Iterator[str]:
        opened.append((host, auth))
        yield cluster.url

    monkeypatch.setattr(address, "head_of", lambda file: ("10.0.0.5", {"ssh_user": "me"}))
    monkeypatch.setattr(address, "tunnel", tunnel)
    told: list[str] = []
    with dashboard_of(given, told.append) as found:
        assert found.shown == f"the cluster of {name}"
    assert opened == [("10.0.0.5", {"ssh_user": "me"})]
    assert told == [f"opening a tunnel to 10.0.0.5, the head of {name}"]


def test_no_address_at_all_is_told_with_the_three_ways(cluster: FakeDashboard) -> None:
    with (
        pytest.raises(
            InputError, match=r"which cluster\? give --address .*RAY_ADDRESS.*cluster.yaml"
        ),
        dashboard_of(None),
    ):
        pass


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ray://host:10001", "--address is ray://host:10001; must be the dashboard"),
        ("somewhere", "--address is somewhere; must be the dashboard"),
        ("gone.yaml", "--address is gone.yaml: there is no such cluster file"),
        ("http://", "is no address of a dashboard"),
        ("http://me:hush@host:8265", "is no address of a dashboard"),
    ],
)
def test_address_of_another_form_is_refused(cluster: FakeDashboard, given: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error, dashboard_of(given):
        pass
    assert "hush" not in str(error.value)


def test_token_is_asked_for_before_anything_else(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(InputError, match="does not take the token"), dashboard_of(cluster.url):
        pass


def test_address_where_no_cluster_listens_is_an_error_that_names_the_other_form() -> None:
    with pytest.raises(EngineError, match=r"127.0.0.1:1: no Ray cluster .*http://127.0.0.1:8265"):
        address.ask_gcs("127.0.0.1:1")


# -- the head of a cluster file


def test_head_of_machines_that_one_has_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(
        "cluster_name: mine\nprovider: {type: local, head_ip: 10.0.0.5, worker_ips: []}\n"
        "auth: {ssh_user: me, ssh_private_key: ~/.ssh/one}\n"
    )
    assert head_of(file) == ("10.0.0.5", {"ssh_user": "me", "ssh_private_key": "~/.ssh/one"})


def test_head_in_a_cloud_is_asked_of_rays_launcher_which_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray.autoscaler._private import commands

    def asked(file: str) -> str:
        print("INFO looking for nodes")
        return "3.3.3.3"

    file = tmp_path / "cluster.yaml"
    file.write_text(
        "cluster_name: mine\nprovider: {type: aws, region: eu-west-1}\nauth: {ssh_user: ubuntu}\n"
    )
    completed = {"ssh_user": "ubuntu", "ssh_private_key": "/keys/made-by-ray.pem"}
    monkeypatch.setattr(commands, "_bootstrap_config", lambda config: {"auth": completed})
    monkeypatch.setattr(commands, "get_head_node_ip", asked)
    assert head_of(file) == ("3.3.3.3", completed)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["cluster_name: mine\n", "{", "provider: {type: nothing}\n"])
def test_cluster_file_without_a_head_that_runs_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    with pytest.raises(EngineError, match=r"the head of its cluster can't be found .*ray up"):
        head_of(file)
