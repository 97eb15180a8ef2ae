"""Addresses of SQLite databases: there and back, and as SQLAlchemy reads them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xstilts.store.sqlite_address import is_sqlite, sqlite_address, sqlite_path

NAMES = ("plain", "run [v2]", "100%20", "#1", "ü中", "a?b=c&d", "x@y:z", "100%", "~", " ", "%3F")


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0/"), min_size=1))
def test_path_comes_back_from_its_address(name: str) -> None:
    path = Path("/somewhere") / f"{name}x" / "mlflow.db"
    assert sqlite_path(sqlite_address(path)) == path


@pytest.mark.parametrize("name", NAMES)
def test_sqlalchemy_opens_the_database_in_its_folder(tmp_path: Path, name: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    path = tmp_path / name / "m.db"
    path.parent.mkdir()
    engine = sqlalchemy.create_engine(sqlite_address(path))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t (a)"))
    engine.dispose()
    database = sqlite3.connect(path)
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    database.close()


def test_address_of_an_ordinary_path_is_the_usual_one() -> None:
    assert sqlite_address(Path("/a b/m.db")) == "sqlite:////a b/m.db"


def test_addresses_are_told_from_others() -> None:
    assert is_sqlite("sqlite:///m.db") and is_sqlite("sqlite+pysqlite:////m.db")
    assert not is_sqlite("http://sqlite:///") and not is_sqlite("/sqlite:///m.db")
    assert sqlite_path("sqlite:///m.db?timeout=3") == Path("m.db").absolute()
