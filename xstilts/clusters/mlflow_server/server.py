"""Starts and stops MLflow over its database, and says whether it runs."""

from __future__ import annotations

import configparser
import io
import ipaddress
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.postgres import Postgres
from xstilts.clusters.mlflow_server.processes import answers, end, end_leftovers, running, started
from xstilts.errors import InputError, TrackingError

ADMIN = "admin"
PORT = 5000
Permission = Literal["READ", "EDIT", "MANAGE", "NO_PERMISSIONS"]
"""What a user may do with what others made."""
_LOOPBACK_NAMES = ("localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", "[::1]", "[[]::1]:*")
"""Names that a server on loopback may be asked for; the others are of pages that try to reach it
through somebody's browser. MLflow reads them as patterns.
"""
_NOT_PASSED_ON = ("RAY_AUTH_TOKEN", "XSTILTS_MLFLOW_PASSWORD", "PGPASSWORD")
_NEEDED = {"flask_wtf": "Flask-WTF", "psycopg": "psycopg[binary]"}
"""Module to package."""
_START_SECONDS = 180.0


def permission(name: str) -> Permission:
    """A permission by its name; InputError for another."""
    for known in get_args(Permission):
        if known == name.upper():
            return known
    raise InputError(f"--permission is {name}; must be one of {', '.join(get_args(Permission))}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server is started."""

    host: str = "127.0.0.1"
    port: int = PORT
    allowed_hosts: tuple[str, ...] = ()
    """Names and addresses, with their port if it is not the usual one, that clients may ask for."""
    artifacts: str | None = None
    """Where uploads go: a folder or the address of a bucket; None: the home's own folder."""
    permission: Permission = "READ"

    def check(self) -> None:
        """InputError where others could reach the server unforeseen."""
        if not 0 < self.port < 65536:
            raise InputError(f"--port is {self.port}; must be from 1 to 65535")
        if any(name.strip() in ("", "*") for name in self.allowed_hosts):
            raise InputError(
                "--allowed-hosts has a name that is empty or `*`, which allows every name; give "
                "the names under which people open the server"
            )
        if not self.on_loopback and not self.allowed_hosts:
            raise InputError(
                f"--host {self.host} can be reached from other machines: give --allowed-hosts with "
                "the names under which people open the server (mlflow.lab.example,10.0.0.5:5000), "
                "or leave --host out and use an SSH tunnel"
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def address(self) -> str:
        """Its address for programs on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class State:
    """How a server stands."""

    folder: Path
    running: bool
    database: bool
    """Whether PostgreSQL runs."""
    address: str | None = None
    pid: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {
            "folder": str(self.folder),
            "running": self.running,
            "database": self.database,
            "address": self.address,
            "pid": self.pid,
            "admin": ADMIN,
            "admin_password_file": str(Home(self.folder).secrets / "admin-password"),
        }


def start(home: Home, settings: Settings, programs: Path | None = None) -> State:
    """Starts PostgreSQL and MLflow where they do not run yet; returns when MLflow answers.

    Secrets and databases are made the first time. InputError where the settings are dangerous, the
    port is taken, or PostgreSQL is missing; TrackingError where one of the two does not start.
    """
    settings.check()
    _installed()
    with home.locked():
        home.prepare()
        database = Postgres(home, programs)
        found = running(home.pid_file)
        if found:
            database.start()
            if found.address != settings.address:
                raise InputError(
                    f"{home.folder}: the server runs already, at {found.address}; stop it first"
                )
            return state(home, programs)
        end_leftovers(home.pid_file)
        _port_is_free(settings)
        database.start()
        _migrate(home, database)
        _start_mlflow(home, settings, database)
    return state(home, programs)


def stop(home: Home, programs: Path | None = None) -> State:
    """Ends MLflow, then PostgreSQL. Nothing is lost; `start` goes on from there."""
    if not home.exists:
        raise InputError(f"{home.folder}: there is no MLflow server here")
    with home.locked():
        found = running(home.pid_file)
        if found:
            end(found.pid)
        home.pid_file.unlink(missing_ok=True)
        Postgres(home, programs).stop()
    return state(home, programs)


def state(home: Home, programs: Path | None = None) -> State:
    """How the server stands."""
    found = running(home.pid_file)
    return State(
        folder=home.folder,
        running=found is not None and answers(found.address),
        database=home.exists and Postgres(home, programs).running,
        address=found.address if found else None,
        pid=found.pid if found else None,
    )


def address_of(home: Home) -> str:
    """The address of the running server. InputError where it does not run."""
    found = running(home.pid_file)
    if found is None:
        raise InputError(
            f"{home.folder}: the MLflow server does not run; start it with `xstilts cluster mlflow "
            "start`"
        )
    return found.address


# -- starting


def _installed(needed: Mapping[str, str] = _NEEDED) -> None:
    """InputError where a package is missing that only the server needs."""
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        raise InputError(
            f"the MLflow server needs {' and '.join(missing)}; pip install 'xstilts[server]'"
        )


def _migrate(home: Home, database: Postgres) -> None:
    """Makes or upgrades MLflow's tables, by one process, before the server opens them."""
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", database.address("mlflow")]
    with open(home.log, "a", opener=_private) as log:
        done = subprocess.run(
            command,
            env=_environment(home, database),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=home.folder,
            check=False,
        )
    if done.returncode:
        raise TrackingError(
            f"MLflow could not make or upgrade its tables: {_last_line(home.log)}; the log is "
            f"{home.log}"
        )


def _start_mlflow(home: Home, settings: Settings, database: Postgres) -> None:
    """Starts the server and waits until it answers."""
    names = (*settings.allowed_hosts, *_LOOPBACK_NAMES)
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", "1"),  # users and sessions are not shared between workers at once
        *("--allowed-hosts", ",".join(names)),
        *("--artifacts-destination", settings.artifacts or str(home.artifacts)),
    ]
    _write_permissions(home, settings, database)
    with open(home.log, "a", opener=_private) as log:
        process = subprocess.Popen(
            command,
            env={
                **_environment(home, database),
                "MLFLOW_BACKEND_STORE_URI": database.address("mlflow"),
                "MLFLOW_AUTH_CONFIG_PATH": str(home.secrets / "auth.ini"),
                "MLFLOW_FLASK_SERVER_SECRET_KEY": home.secret("secret-key"),
                "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
                "MLFLOW_AUTH_ADMIN_PASSWORD": home.secret("admin-password"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=home.folder,
            start_new_session=True,
        )
    started(home.pid_file, process.pid, settings.address)
    until = time.monotonic() + _START_SECONDS
    while not answers(settings.address):
        if process.poll() is not None:
            home.pid_file.unlink(missing_ok=True)
            raise TrackingError(
                f"MLflow ended at its start: {_last_line(home.log)}; the log is {home.log}"
            )
        if time.monotonic() > until:
            end(process.pid)
            home.pid_file.unlink(missing_ok=True)
            raise TrackingError(
                f"MLflow did not answer at {settings.address} within {_START_SECONDS:g} s; the log "
                f"is {home.log}"
            )
        time.sleep(0.2)


def _environment(home: Home, database: Postgres) -> dict[str, str]:
    """The caller's environment, for the cloud's own variables, without what is not MLflow's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MLFLOW_") and name not in _NOT_PASSED_ON
    }
    return {
        **kept,
        **database.environment,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _write_permissions(home: Home, settings: Settings, database: Postgres) -> None:
    """MLflow's file about users; it holds no secret."""
    values = configparser.ConfigParser(interpolation=None)
    values["mlflow"] = {
        "default_permission": settings.permission,
        "database_uri": database.address("users"),
        "admin_username": ADMIN,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    text = io.StringIO()
    values.write(text)
    path = home.secrets / "auth.ini"
    with open(path, "w", opener=_private) as file:
        file.write(text.getvalue())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _port_is_free(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except (OSError, OverflowError) as error:
            raise InputError(
                f"{settings.host} port {settings.port}: {getattr(error, 'strerror', error)}; give "
                "another --port or --host, or end what listens there"
            ) from error


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line]
    return lines[-1].strip()[:300] if lines else "it said nothing"
