"""The folder of an MLflow server: where its parts lie, who may enter, and its secrets.

    <folder>/secrets/    0700: secret-key, admin-password, pgpass (0600 each), auth.ini
    <folder>/database/   0700: PostgreSQL's data, socket and log; belongs to who runs PostgreSQL
    <folder>/artifacts/  0700: what users upload, unless it goes to a bucket
    <folder>/mlflow.log, mlflow.pid

PostgreSQL refuses to run as root. Where root starts the server, the database belongs to the user
`postgres`, who has to pass through the folder: it is then 0711, otherwise 0700.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import InputError

DATABASE_USER = "xstilts"
"""PostgreSQL's user, who owns both databases."""
SYSTEM_USER = "postgres"
"""Who runs PostgreSQL where root starts it."""
_BYTES = 32


def default_folder() -> Path:
    """`~/xstilts-mlflow`; for root a place that the user `postgres` can reach too."""
    return Path("/var/lib/xstilts-mlflow") if is_root() else Path.home() / "xstilts-mlflow"


def is_root() -> bool:
    """Whether PostgreSQL has to be run as somebody else."""
    return os.geteuid() == 0


@dataclass(frozen=True)
class Home:
    """The folder of one server."""

    folder: Path

    @property
    def secrets(self) -> Path:
        """Files that only the server's user may read."""
        return self.folder / "secrets"

    @property
    def database(self) -> Path:
        """PostgreSQL's folder."""
        return self.folder / "database"

    @property
    def artifacts(self) -> Path:
        """What users upload, unless it goes to a bucket."""
        return self.folder / "artifacts"

    @property
    def log(self) -> Path:
        """What MLflow says."""
        return self.folder / "mlflow.log"

    @property
    def pid_file(self) -> Path:
        """Which process is the server."""
        return self.folder / "mlflow.pid"

    @property
    def password_file(self) -> Path:
        """The database's password, as PostgreSQL's library reads it (PGPASSFILE)."""
        return self.secrets / "pgpass"

    @property
    def exists(self) -> bool:
        """Whether a server was ever started here."""
        return self.secrets.is_dir()

    def prepare(self) -> None:
        """Makes the folders and secrets that are missing. InputError where they can't be made, or
        where others may read a secret.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            os.chmod(self.folder, 0o711 if is_root() else 0o700)
            for folder in (self.secrets, self.artifacts, self.database):
                folder.mkdir(exist_ok=True)
                os.chmod(folder, 0o700)
            if is_root():
                os.chown(self.database, *_ids(SYSTEM_USER))
        except OSError as error:
            raise InputError(
                f"{error.filename or self.folder}: {error.strerror}; give --folder another place"
            ) from error
        for name in ("secret-key", "admin-password", "pgpass"):
            if not (self.secrets / name).exists():
                value = secrets.token_urlsafe(_BYTES)
                text = f"*:*:*:{DATABASE_USER}:{value}" if name == "pgpass" else value
                write_private(self.secrets / name, text + "\n")
            self.secret(name)

    def secret(self, name: str) -> str:
        """A secret's text. InputError where it is missing, empty or open to others."""
        path = self.secrets / name
        try:
            mode = path.stat().st_mode
            text = path.read_text().strip()
        except OSError as error:
            raise InputError(
                f"{path}: {error.strerror}; `xstilts cluster mlflow start` makes it"
            ) from error
        if mode & 0o077:
            raise InputError(
                f"{path}: others may read it (mode {mode & 0o777:04o}); chmod 600 it, and replace "
                "the secret if others were on this machine"
            )
        if not text:
            raise InputError(f"{path} is empty; remove it, and start the server again")
        return text

    @property
    def database_password(self) -> str:
        """The password in `password_file`."""
        return self.secret("pgpass").rpartition(":")[2]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One start or stop at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def write_private(path: Path, text: str) -> None:
    """Writes a new file that nobody else may read, at no moment. FileExistsError where it is there
    already; a file half written is left under another name.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    finally:
        new.unlink()


def _ids(user: str) -> tuple[int, int]:
    """User and group id. InputError where there is no such user."""
    try:
        found = pwd.getpwnam(user)
    except KeyError as error:
        raise InputError(
            f"there is no user {user} on this machine, who is to run PostgreSQL (it refuses to run "
            "as root); install PostgreSQL's server, or start this as an ordinary user"
        ) from error
    return found.pw_uid, found.pw_gid
