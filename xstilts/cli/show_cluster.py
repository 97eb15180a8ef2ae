"""What the verbs about clusters print, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xstilts.cli.console import say

if TYPE_CHECKING:
    from rich.console import Console


def token(console: Console, made: dict[str, Any]) -> None:
    """Where the token is; never the token."""
    say(
        console, f"a new token is in {made['file']} (mode 0600); name that file in the cluster file"
    )


def mlflow(console: Console, state: dict[str, Any]) -> None:
    """Whether the MLflow server runs, and how to get in."""
    if state["running"] and state["database"]:
        say(console, f"MLflow runs at {state['address']} (process {state['pid']})")
        say(console, f"its data: {state['folder']}")
        say(console, f"user {state['admin']}, password in {state['admin_password_file']}")
        return
    parts = {"MLflow": state["running"], "PostgreSQL": state["database"]}
    for name, runs in parts.items():
        say(console, f"{name} {'runs' if runs else 'does not run'} ({state['folder']})")


def login(console: Console, kept: dict[str, Any]) -> None:
    """As whom programs of this machine write."""
    say(console, f"your programs here are user {kept['user']}; the password is in {kept['file']}")


def user(console: Console, changed: dict[str, Any]) -> None:
    """What was done to a user."""
    say(console, f"user {changed['user']} {changed['done']}")


def users(console: Console, found: dict[str, Any]) -> None:
    """All users, one a line."""
    for name in found["users"]:
        say(console, name)
