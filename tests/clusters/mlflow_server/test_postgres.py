"""The database of an MLflow server: which programs, where its socket lies, what it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.postgres import Postgres, find_programs
from xstilts.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SYSTEM_PYTHON = Path("/usr/bin/python3")


def programs(folder: Path) -> Path:
    """A folder with PostgreSQL's programs, which do nothing."""
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_newest_version_is_found_and_a_data_folder_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for version in ("9", "15", "17"):
        programs(tmp_path / "postgresql" / version / "bin")
    places = (str(tmp_path / "postgresql"),)
    assert find_programs(None, places).parent.name == "17"
    assert find_programs("15", places).parent.name == "15"


def test_programs_on_the_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs(tmp_path / "own" / "bin")))
    assert find_programs(None, ()) == tmp_path / "own" / "bin"
    assert find_programs("15", ()) == tmp_path / "own" / "bin"


def test_missing_programs_are_told_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"not installed.*apt-get install postgresql\)"):
        find_programs(None, (str(tmp_path),))
    programs(tmp_path / "17" / "bin")
    with pytest.raises(InputError, match=r"PostgreSQL 15, which made .*install postgresql-15\)"):
        find_programs("15", (str(tmp_path),))


def test_address_holds_no_password_and_names_the_socket(tmp_path: Path) -> None:
    database = Postgres(Home(tmp_path / "a b"), programs(tmp_path / "bin"))
    host = f"{tmp_path}/a%20b/database/socket"
    assert database.address("users") == f"postgresql+psycopg://xstilts@/users?host={host}"
    assert database.environment == {"PGPASSFILE": f"{tmp_path}/a b/secrets/pgpass"}


def test_folder_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 25))
    with pytest.raises(InputError, match="at most 107 are allowed; give --folder a shorter path"):
        Postgres(home, programs(tmp_path / "bin"))
    assert not home.folder.exists()


OWN_USER = """
import sys
from pathlib import Path
from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.postgres import Postgres
home = Home(Path(sys.argv[1]) / "mlflow")
home.prepare()
database = Postgres(home)
try:
    database.start(); database.start()
    print(sorted(database._ask("postgres", "SELECT datname FROM pg_database").split()))
    print(database._ask("postgres", "SHOW listen_addresses").strip() or "no network")
    print(database._ask("postgres", "SHOW data_checksums").strip())
    home.password_file.write_text("*:*:*:xstilts:wrong\\n")
    try:
        database._ask("mlflow", "SELECT 1")
    except Exception as error:
        print("password authentication failed" in str(error))
finally:
    database.stop()
print(database.running, sorted(one.name for one in home.database.iterdir()))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("runuser") or not SYSTEM_PYTHON.exists(),
    reason="takes root, who becomes an ordinary user, and the system's own Python",
)
def test_database_of_an_ordinary_user_starts_twice_asks_for_a_password_and_stops(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = Path("/tmp") / f"xstilts-pg-{os.getpid()}"
    folder.mkdir()
    try:
        shutil.chown(folder, "nobody")
        done = subprocess.run(
            ["runuser", "-u", "nobody", "--", str(SYSTEM_PYTHON), "-c", OWN_USER, str(folder)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['mlflow', 'postgres', 'template0', 'template1', 'users']",
        "no network",
        "on",
        "True",
        "False ['data', 'log', 'socket']",
    ], sys.platform
