"""An MLflow server with users: how it refuses to start, and one that is really there.

The real one has PostgreSQL and MLflow as programs of this machine. It is asked with and without a
password, a sweep is mirrored to it, and it is stopped and started again.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import build_store
from xstilts.clusters.mlflow_server import login, server, users
from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.postgres import find_programs
from xstilts.clusters.mlflow_server.server import Settings
from xstilts.errors import InputError, TrackingError
from xstilts.store.ledger import Ledger
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.server import connect
from xstilts.tracking.tracker import Tracker, rebuild

PASSWORD = "a-password-of-ann"


# -- what is refused before anything is started


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "0.0.0.0"}, "can be reached from other machines: give --allowed-hosts"),
        ({"host": "10.0.0.5"}, "or leave --host out and use an SSH tunnel"),
        ({"host": "mlflow.lab.example"}, "can be reached from other machines"),
        ({"host": "::"}, "can be reached from other machines"),
        ({"allowed_hosts": ("mlflow.lab", "*")}, "allows every name"),
        ({"host": "0.0.0.0", "allowed_hosts": ("",)}, "empty"),
        ({"port": 0}, "--port is 0; must be from 1 to 65535"),
    ],
)
def test_settings_that_let_others_in_unforeseen_are_refused(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as raised:
        server.start(Home(tmp_path / "mlflow"), Settings(**settings))
    assert said in str(raised.value)
    assert not (tmp_path / "mlflow").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.3.2.1"])
def test_loopback_needs_no_names(host: str) -> None:
    Settings(host=host).check()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::", "http://[::1]:5000"),
        ("10.0.0.5", "http://10.0.0.5:5000"),
    ],
)
def test_address_is_one_that_this_machine_can_ask(host: str, address: str) -> None:
    assert Settings(host=host, allowed_hosts=("mlflow.lab",)).address == address


def test_permission_is_known_by_name() -> None:
    assert server.permission("no_permissions") == "NO_PERMISSIONS"
    with pytest.raises(InputError, match="must be one of READ, EDIT, MANAGE, NO_PERMISSIONS"):
        server.permission("ALL")


def test_missing_packages_are_told_with_the_extra() -> None:
    with pytest.raises(InputError, match=r"needs Nothing and None; pip install 'xstilts\[server"):
        server._installed({"json": "json", "no_such_module": "Nothing", "nor_this": "None"})


def test_server_that_was_never_started_is_not_there(tmp_path: Path) -> None:
    home = Home(tmp_path / "mlflow")
    assert not server.state(home).running
    with pytest.raises(InputError, match="there is no MLflow server here"):
        server.stop(home)
    with pytest.raises(InputError, match="does not run; start it with"):
        server.address_of(home)


# -- a real server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(port=free_port())


@pytest.fixture(scope="module")
def home(settings: Settings) -> Iterator[Home]:
    """A server that runs, with the user ann."""
    try:
        find_programs()
    except InputError as error:
        pytest.skip(str(error))
    folder = Path(tempfile.mkdtemp(prefix="xstilts-mlflow-", dir="/tmp"))
    folder.chmod(0o755)  # the user postgres has to pass
    made = Home(folder / "mlflow")
    try:
        server.start(made, settings)
        users.add(made, "ann", PASSWORD)
        yield made
    finally:
        if made.exists:
            server.stop(made)
        shutil.rmtree(folder)


def ask(
    settings: Settings,
    path: str,
    login: str | None = None,
    host: str | None = None,
    body: dict[str, Any] | None = None,
    verb: str | None = None,
) -> tuple[int, str]:
    """Status and text of a page; with a body, of what was changed there."""
    headers = {"Host": host} if host else {}
    headers["Content-Type"] = "application/json"
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=30)
    try:
        text = json.dumps(body) if body is not None else None
        connection.request(verb or ("PATCH" if body else "GET"), path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def of_processes(what: str) -> list[tuple[int, str]]:
    """What `/proc/<pid>/<what>` says of every process, with spaces between the words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                text = (entry / what).read_bytes().decode(errors="replace").replace("\0", " ")
                found.append((int(entry.name), text))
    return found


EXPERIMENTS = "/api/2.0/mlflow/experiments/search?max_results=5"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [EXPERIMENTS, "/", "/version", "/signup", "/api/2.0/mlflow/users/list", "/graphql"]
)
@pytest.mark.parametrize("login", [None, "ann:wrong-password", "nobody:password1234"])
def test_page_without_the_right_password_is_refused(
    home: Home, settings: Settings, path: str, login: str | None
) -> None:
    assert ask(settings, path, login)[0] == 401


ROUTES = """
import json
from mlflow.server import app
from mlflow.server.fastapi_app import app as outer
verbs = {"GET", "POST", "PUT", "PATCH", "DELETE"}
found = {(verb, one.rule) for one in app.url_map.iter_rules() for verb in verbs & one.methods}
found |= {(v.upper(), path) for path, ways in outer.openapi()["paths"].items() for v in ways}
print(json.dumps(sorted(found)))
"""
"""Every verb and path that MLflow has."""
OPEN = {
    "/health",
    "/api/3.0/mlflow/server-info",
    "/ajax-api/3.0/mlflow/server-info",
    "/static-files/<path:path>",
}
"""What answers without a password, as docs/mlflow-server.md says."""


@pytest.mark.slow
def test_every_route_but_four_refuses_who_gives_no_password(home: Home, settings: Settings) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ROUTES], capture_output=True, text=True, check=True, cwd=home.folder
    )
    routes = json.loads(said.stdout.splitlines()[-1])
    assert len(routes) > 300
    answered = {}
    for verb, route in routes:
        path = re.sub(r"<[^>]*>|\{[^}]*\}", "x", route)
        status, _ = ask(settings, path, body={} if verb != "GET" else None, verb=verb)
        if status not in (401, 405):
            answered[route] = status
    assert answered.keys() <= OPEN, {r: s for r, s in answered.items() if r not in OPEN}


@pytest.mark.slow
def test_user_gets_in_under_the_server_s_names_alone(home: Home, settings: Settings) -> None:
    login = f"ann:{PASSWORD}"
    assert ask(settings, EXPERIMENTS, login)[0] == 200
    assert ask(settings, EXPERIMENTS, login, f"localhost:{settings.port}")[0] == 200
    assert ask(settings, EXPERIMENTS, login, "elsewhere.example")[0] == 403
    other = {"username": "ann", "is_admin": True}
    assert ask(settings, "/api/2.0/mlflow/users/update-admin", login, body=other)[0] == 403


@pytest.mark.slow
def test_secrets_are_in_no_command_line_and_no_log(home: Home) -> None:
    secrets = [home.secret("secret-key"), home.secret("admin-password"), home.database_password]
    shown = [text for _, text in of_processes("cmdline")]
    assert sum("mlflow server" in line and str(home.folder) in line for line in shown) == 1
    shown += [home.log.read_text(), (home.database / "log").read_text()]
    shown += [home.pid_file.read_text(), (home.secrets / "auth.ini").read_text()]
    found = [text for text in shown for secret in (*secrets, PASSWORD) if secret in text]
    assert found == []


@pytest.mark.slow
def test_secrets_are_in_the_environment_of_mlflow_s_own_processes_alone(home: Home) -> None:
    group = server.state(home).pid
    secrets = [home.secret("secret-key"), home.secret("admin-password"), home.database_password]
    holders = [
        os.getpgid(pid)
        for pid, environment in of_processes("environ")
        if any(secret in environment for secret in secrets)
    ]
    assert set(holders) == {group}
    assert not any(home.database_password in text for _, text in of_processes("environ"))


@pytest.mark.slow
def test_database_has_no_network_socket_and_mlflow_is_on_loopback(
    home: Home, settings: Settings
) -> None:
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # it listens
                listening.add((fields[1], fields[9]))
    assert {place for place, _ in listening if place.endswith(f":{settings.port:04X}")} == {
        f"0100007F:{settings.port:04X}"
    }
    postgres = int((home.database / "data" / "postmaster.pid").read_text().split()[0])
    own = {os.readlink(fd) for fd in Path(f"/proc/{postgres}/fd").iterdir()}
    assert not own & {f"socket:[{inode}]" for _, inode in listening}


@pytest.mark.slow
def test_second_start_finds_the_first_and_another_port_is_refused(
    home: Home, settings: Settings
) -> None:
    first = server.state(home)
    assert server.start(home, settings) == first
    with pytest.raises(InputError, match=f"runs already, at {first.address}; stop it first"):
        server.start(home, Settings(port=free_port()))


@pytest.mark.slow
def test_port_that_is_taken_is_refused(tmp_path: Path, home: Home, settings: Settings) -> None:
    with pytest.raises(InputError, match="give another --port"):
        server.start(Home(home.folder.parent / "other"), settings)


@pytest.mark.slow
def test_sweep_is_mirrored_with_a_password_and_is_there_after_a_restart(
    home: Home, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = build_store(
        tmp_path / "store",
        seeds=(1,),
        languages=("en", "de"),
        targets=("tags",),
        intermediates=("none", "skill", "broken"),
        examples=40,
    )
    folder = next(store.sweeps())
    sweep = read_sweep(folder)
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_USERNAME") as raised:
        rebuild(store, folder, settings.address)
    assert PASSWORD not in str(raised.value)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)

    sent = rebuild(store, folder, settings.address).sent
    assert sent > 5
    server.stop(home)
    assert not server.state(home).running and not server.state(home).database
    server.start(home, settings)

    tracker = Tracker(settings.address, sweep, store, folder)
    assert tracker.sync(Ledger(folder).entries()) == 0, "nothing is sent twice"
    client = connect(settings.address)
    experiment = client.get_experiment_by_name(f"{sweep.name}-v{sweep.version}")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert len(runs) == sent
    held = json.dumps([[run.data.tags, run.data.params] for run in runs], default=str)
    assert PASSWORD not in held
    assert experiment.artifact_location.startswith("mlflow-artifacts:/")


@pytest.mark.slow
def test_programs_of_this_user_are_let_in_by_a_file_alone(
    home: Home, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Exception, match="401"):
        connect(settings.address).search_experiments()
    kept = login.login(home, "sweeps")
    assert kept.file == tmp_path / ".mlflow" / "credentials"
    assert connect(settings.address).create_experiment("of a sweep")
    assert login.login(home, "sweeps") == kept
    assert "sweeps" in users.names(home)


@pytest.mark.slow
def test_server_whose_processes_were_killed_starts_again_with_all_it_had(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    made = connect(settings.address).create_experiment("before the crash")
    pid = server.state(home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # the worker goes on, and holds the port
    postgres = int((home.database / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(postgres, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    server.start(home, settings)
    assert connect(settings.address).get_experiment(made).name == "before the crash"


@pytest.mark.slow
def test_user_reads_what_others_made_and_cannot_change_it(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    made = connect(settings.address).create_experiment("ann's own")
    users.add(home, "bob", "a-password-of-bob")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a-password-of-bob")
    client = connect(settings.address)
    assert client.get_experiment(made).name == "ann's own"
    with pytest.raises(Exception, match="Permission denied"):
        client.create_run(made)
    users.remove(home, "bob")
    with pytest.raises(Exception, match="401"):
        client.get_experiment(made)
