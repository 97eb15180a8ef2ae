"""What the verbs about clusters print as text."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from xstilts.cli import show_cluster

STATE = {
    "folder": "/data/mlflow",
    "running": True,
    "database": True,
    "address": "http://127.0.0.1:5000",
    "pid": 12,
    "admin": "admin",
    "admin_password_file": "/data/mlflow/secrets/admin-password",
}


def printed(show: Any, value: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, width=200), value)
    return out.getvalue().splitlines()


def test_running_server_is_shown_with_the_way_in() -> None:
    assert printed(show_cluster.mlflow, STATE) == [
        "MLflow runs at http://127.0.0.1:5000 (process 12)",
        "its data: /data/mlflow",
        "user admin, password in /data/mlflow/secrets/admin-password",
    ]


def test_half_a_server_is_shown_as_such() -> None:
    assert printed(show_cluster.mlflow, {**STATE, "running": False}) == [
        "MLflow does not run (/data/mlflow)",
        "PostgreSQL runs (/data/mlflow)",
    ]


def test_users_are_shown_one_a_line() -> None:
    assert printed(show_cluster.users, {"users": ["admin", "ann"]}) == ["admin", "ann"]
    assert printed(show_cluster.user, {"user": "ann", "done": "removed"}) == ["user ann removed"]
