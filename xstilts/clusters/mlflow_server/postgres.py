"""A PostgreSQL of one's own: made once, reached through a UNIX socket alone.

The programs come from the system (`apt-get install postgresql`); the cluster of databases that a
distribution makes by itself is left alone. Whoever connects gives a password (SCRAM), by way of the
file that PGPASSFILE names, so that addresses and command lines hold none. PostgreSQL never runs as
root: root calls its programs as the user `postgres`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from xstilts.clusters.mlflow_server.home import (
    DATABASE_USER,
    SYSTEM_USER,
    Home,
    is_root,
    write_private,
)
from xstilts.errors import InputError, TrackingError, first_line
from xstilts.store.owner import process_identity

DATABASES = ("mlflow", "users")
"""Runs and experiments; who may log in."""
_DISTRIBUTIONS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql-*")
_SOCKET_PATH_BYTES = 107
_SECONDS = 120


class Postgres:
    """The database server of a home. Raises InputError where the programs are missing, or where
    its folder can't hold a socket or be entered.
    """

    def __init__(self, home: Home, programs: Path | None = None) -> None:
        """`programs`: the folder of `initdb` and `pg_ctl`; found by itself where it is None."""
        self.home = home
        self.data = home.database / "data"
        self.socket = home.database / "socket"
        self.programs = programs or find_programs(_version_of(self.data))
        longest = len(os.fsencode(self.socket / ".s.PGSQL.5432"))
        if longest > _SOCKET_PATH_BYTES:
            raise InputError(
                f"{home.folder}: PostgreSQL's socket would have a path of {longest} bytes there, "
                f"at most {_SOCKET_PATH_BYTES} are allowed; give --folder a shorter path"
            )

    def address(self, database: str) -> str:
        """The address of a database, without a password."""
        where = quote(str(self.socket), safe="/")
        return f"postgresql+psycopg://{DATABASE_USER}@/{database}?host={where}"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to connect."""
        return {"PGPASSFILE": str(self.home.password_file)}

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        if not self.data.is_dir() or self._has_died():
            return False
        return self._own("pg_ctl", "-D", self.data, "status").returncode == 0

    def _has_died(self) -> bool:
        """Whether the server that its file names was killed and nobody has taken note: in a
        container without a proper init it is a zombie, which PostgreSQL takes for alive.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        return process_identity(pid).endswith("/ended")

    def _clear_away(self, seconds: float = 20) -> None:
        """Removes what a killed server left, once its helpers are gone too: two servers on the same
        files would ruin them.
        """
        until = time.monotonic() + seconds
        while any(_folder_of(entry) == self.data for entry in Path("/proc").iterdir()):
            if time.monotonic() > until:
                raise TrackingError(
                    f"PostgreSQL in {self.home.database} was killed, and helpers of it are still "
                    "at work; end them (ps -ef | grep postgres) and start again"
                )
            time.sleep(0.1)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def start(self) -> None:
        """Starts the server, if need be after making it; returns when both databases are there.
        TrackingError where PostgreSQL refuses.
        """
        self._enter()
        if not self.data.is_dir():
            self._make()
        if self._has_died():
            self._clear_away()
        if not self.running:
            options = (
                f"-c listen_addresses= -c unix_socket_permissions=0700 "
                f"-c unix_socket_directories={shlex.quote(str(self.socket))}"
            )
            log = self.home.database / "log"
            self._must(
                ("pg_ctl", "-D", self.data, "-w", "-t60", "-l", log, "-o", options, "start"),
                log,
            )
        there = self._ask("postgres", "SELECT datname FROM pg_database").split()
        for name in DATABASES:
            if name not in there:
                self._ask("postgres", f"CREATE DATABASE {name}")

    def stop(self) -> None:
        """Ends the server; what it was told is on the disk."""
        if self.running:
            log = self.home.database / "log"
            self._must(("pg_ctl", "-D", self.data, "-w", "-t60", "-m", "fast", "stop"), log)

    def _enter(self) -> None:
        """Makes sure that who runs PostgreSQL can reach its folder."""
        self._own_folder(self.socket)
        if self._run(("test", "-w", str(self.socket))).returncode:
            raise InputError(
                f"{self.home.folder}: the user {SYSTEM_USER}, who is to run PostgreSQL, can't "
                "enter it; give --folder a place whose parents all may enter, such as "
                "/var/lib/xstilts-mlflow"
            )

    def _own_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if is_root():
            owner = self.home.database.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)

    def _make(self) -> None:
        """Makes the databases' files; a half-made folder is never taken for a whole one."""
        new, password = self.home.database / "new", self.home.database / "password"
        shutil.rmtree(new, ignore_errors=True)
        password.unlink(missing_ok=True)
        try:
            write_private(password, self.home.database_password + "\n")
            if is_root():
                owner = self.home.database.stat()
                os.chown(password, owner.st_uid, owner.st_gid)
            self._must(
                (
                    *("initdb", "-D", new, "-U", DATABASE_USER, "-E", "UTF8", "--no-locale"),
                    *("--auth=scram-sha-256", f"--pwfile={password}", "--data-checksums"),
                )
            )
        finally:
            password.unlink(missing_ok=True)
        new.rename(self.data)

    def _ask(self, database: str, query: str) -> str:
        """The answer to a query, one row a line."""
        command = (
            *(self.programs / "psql", "-X", "-w", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"),
            *("-h", self.socket, "-U", DATABASE_USER, "-d", database, "-c", query),
        )
        environment = {**_plain_environment(), **self.environment}
        done = subprocess.run(
            [str(word) for word in command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise TrackingError(f"PostgreSQL in {self.home.database}: {first_line(done.stderr)}")
        return done.stdout

    def _must(self, command: tuple[str | Path, ...], log: Path | None = None) -> None:
        done = self._own(str(command[0]), *command[1:])
        if done.returncode:
            said = first_line(done.stderr or done.stdout, 300)
            fatal = [line for line in _lines(log) if "FATAL" in line][-1:]
            raise TrackingError(
                f"PostgreSQL in {self.home.database}: {': '.join([said, *fatal])}"
                + (f"; its log is {log}" if log else "")
            )

    def _own(self, program: str, *rest: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs as who owns its files."""
        return self._run((str(self.programs / program), *(str(word) for word in rest)))

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        as_owner = ("runuser", "-u", SYSTEM_USER, "--") if is_root() else ()
        return subprocess.run(
            [*as_owner, *command],
            cwd="/",
            env=_plain_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C in this terminal is not for the server
        )


def _lines(log: Path | None) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines() if log else []
    except OSError:
        return []


def _folder_of(process: Path) -> Path | None:
    """The working folder of a process of /proc; None where it has none or hides it."""
    try:
        return Path(os.readlink(process / "cwd")) if process.name.isdigit() else None
    except OSError:
        return None


def _plain_environment() -> dict[str, str]:
    """An environment without anything of the caller's: neither his secrets nor his PG variables."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _version_of(data: Path) -> str | None:
    """The major version that made the files; None where there are none yet, or where only the user
    `postgres` may look (root may).
    """
    try:
        return (data / "PG_VERSION").read_text().strip()
    except OSError:
        return None


def find_programs(version: str | None = None, places: Sequence[str] = _DISTRIBUTIONS) -> Path:
    """The folder of PostgreSQL's server programs: of the major version `version`, otherwise the
    newest. InputError where there is none.
    """
    found = {}
    for place in places:
        root = Path(place)
        for folder in sorted(root.parent.glob(root.name)):
            for programs in (folder / "bin", *folder.glob("*/bin")):
                if (programs / "initdb").is_file() and (programs / "pg_ctl").is_file():
                    found[programs] = _number(programs.parent.name)
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).parent / "pg_ctl").is_file():
        found.setdefault(Path(on_path).resolve().parent, 0)
    fitting = [one for one in found if version is None or str(found[one]) == version]
    if not fitting and version is not None and 0 in found.values():
        fitting = [one for one in found if not found[one]]
    if fitting:
        return max(fitting, key=lambda one: found[one])
    wanted = f"PostgreSQL {version}, which made the files here," if version else "PostgreSQL"
    raise InputError(
        f"{wanted} is not installed: no initdb and pg_ctl in {', '.join(places)} or on PATH; "
        f"install it (Debian: apt-get install postgresql{f'-{version}' if version else ''})"
    )


def _number(name: str) -> int:
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) if found else 0
