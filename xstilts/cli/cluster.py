"""`xstilts cluster`: what belongs to a cluster of several machines before a sweep is submitted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xstilts.cli.options import JsonOption, MirrorOption, StoreOption, TrackingOption
from xstilts.cli.outcome import outcome
from xstilts.cli.spot import watch_spot

if TYPE_CHECKING:
    from xstilts.clusters.mlflow_server.home import Home

app = typer.Typer(
    help="Check a cluster file, make its token, run its MLflow server, watch its spot machines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
mlflow = typer.Typer(
    help="An MLflow server with users, over a PostgreSQL of its own; for the head of a cluster.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
user = typer.Typer(
    help="Who may use the MLflow server.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(mlflow, name="mlflow")
app.command()(watch_spot)
mlflow.add_typer(user, name="user")

FolderOption = Annotated[
    str | None,
    typer.Option(
        "--folder",
        envvar="XSTILTS_MLFLOW_FOLDER",
        help="Folder of the server; else ~/xstilts-mlflow, for root /var/lib/xstilts-mlflow.",
    ),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


@app.command()
def check(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Cluster file, as `ray up` takes it.")
    ] = "cluster.yaml",
    sweep: Annotated[
        str | None,
        typer.Argument(metavar="SWEEP", help="Sweep file, whose needs the machines are held to."),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Look for what a run on a cluster needs before any money is spent."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.cluster_check(
            file, sweep, store=store, mirror=mirror, tracking=tracking
        ).to_json()
        show(found, shows.doctor)
    raise typer.Exit(0 if found["ok"] else 2)


@app.command()
def token(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="Where to write it; else where Ray looks for it."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the token that is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the token that a cluster asks for, in a file that only you can read."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show_cluster

        made = api.cluster_token(file, force=force)
        show({"file": str(made)}, show_cluster.token)


# -- the MLflow server


@mlflow.command()
def start(
    folder: FolderOption = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others can't reach the default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 5000,
    allowed_hosts: Annotated[
        str,
        typer.Option(
            "--allowed-hosts",
            metavar="NAME,...",
            help="Names under which people open it, such as mlflow.lab.example.",
        ),
    ] = "",
    artifacts: Annotated[
        str | None,
        typer.Option("--artifacts", help="Folder or bucket for uploads; else in the folder."),
    ] = None,
    permission: Annotated[
        str,
        typer.Option(
            "--permission",
            help="What users may do with what others made: READ, EDIT, MANAGE, NO_PERMISSIONS.",
        ),
    ] = "READ",
    as_json: JsonOption = False,
) -> None:
    """Start PostgreSQL and MLflow, if need be after making them."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import server

        settings = server.Settings(
            host=host,
            port=port,
            allowed_hosts=tuple(allowed_hosts.split(",")) if allowed_hosts else (),
            artifacts=artifacts,
            permission=server.permission(permission),
        )
        show(server.start(_home(folder), settings).to_json(), show_cluster.mlflow)


@mlflow.command()
def stop(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Stop MLflow and PostgreSQL; `start` goes on from there."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import server

        show(server.stop(_home(folder)).to_json(), show_cluster.mlflow)


@mlflow.command()
def status(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Say whether the server runs; exit code 1 if it does not."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import server

        found = server.state(_home(folder))
        show(found.to_json(), show_cluster.mlflow)
    raise typer.Exit(0 if found.running and found.database else 1)


@mlflow.command()
def login(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The user that sweeps write as.")
    ] = "sweeps",
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let your programs on this machine in, as a user whose password only they know."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import login as logins

        kept = logins.login(_home(folder), name)
        show({"user": kept.user, "file": str(kept.file)}, show_cluster.login)


@user.command("add")
def add_user(name: NameArgument, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Add a user; the password is read from XSTILTS_MLFLOW_PASSWORD, or asked for."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import users

        users.add(_home(folder), name, _password())
        show({"user": name, "done": "added"}, show_cluster.user)


@user.command("password")
def change_password(
    name: NameArgument, folder: FolderOption = None, as_json: JsonOption = False
) -> None:
    """Give a user another password, from XSTILTS_MLFLOW_PASSWORD or asked for."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import users

        users.change_password(_home(folder), name, _password())
        show({"user": name, "done": "given another password"}, show_cluster.user)


@user.command("remove")
def remove_user(
    name: NameArgument, folder: FolderOption = None, as_json: JsonOption = False
) -> None:
    """Remove a user; what they logged stays."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import users

        users.remove(_home(folder), name)
        show({"user": name, "done": "removed"}, show_cluster.user)


@user.command("list")
def list_users(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """List all users."""
    with outcome(as_json) as show:
        from xstilts.cli import show_cluster
        from xstilts.clusters.mlflow_server import users

        show({"users": users.names(_home(folder))}, show_cluster.users)


def _home(folder: str | None) -> Home:
    from xstilts.clusters.mlflow_server.home import Home, default_folder

    return Home(Path(folder).absolute() if folder else default_folder())


def _password() -> str:
    """A password from the environment, or typed twice; never from the command line."""
    from xstilts.clusters.mlflow_server.users import PASSWORD_VARIABLE, SHORTEST_PASSWORD
    from xstilts.errors import InputError

    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise InputError(
            f"there is no terminal to type a password at: put it into {PASSWORD_VARIABLE}, "
            f"{SHORTEST_PASSWORD} characters or more"
        )
    asked = f"Password ({SHORTEST_PASSWORD} characters or more)"
    return str(typer.prompt(asked, hide_input=True, confirmation_prompt=True, err=True))
