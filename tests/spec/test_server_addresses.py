"""Addresses with passwords in them are found, and shown without."""

from __future__ import annotations

import pytest

from xstilts.spec.server_addresses import holds_password, refused_address, without_credentials


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://ann:se:cr@et@mlflow.lab:5000/x", "http://mlflow.lab:5000/x"),
        ("https://:secret@host", "https://host"),
        ("postgresql+psycopg://ann:secret@/db?host=/run", "postgresql+psycopg:///db?host=/run"),
        ("postgresql://host/db?user=a&password=secret", "postgresql://host/db?user=a&password=***"),
        ("https://host/a?x=1&access_token=secret#b", "https://host/a?x=1&access_token=***#b"),
        ("s3://bucket/a?aws_secret_access_key=secret", "s3://bucket/a?aws_secret_access_key=***"),
    ],
)
def test_password_in_an_address_is_found_and_not_shown(address: str, shown: str) -> None:
    assert holds_password(address)
    assert without_credentials(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000",
        "http://[::1]:5000/a?page=2",
        "sqlite:////data/a@b:c/mlflow.db",
        "s3://bucket/a@b:c",
        "ssh://ann@host",
        "off",
        "databricks",
    ],
)
def test_address_without_a_password_is_fine(address: str) -> None:
    assert not holds_password(address)
    assert refused_address(address) is None


def test_refusal_says_where_the_password_belongs_and_does_not_repeat_it() -> None:
    web = refused_address("http://ann:topsecret@mlflow.lab:5000")
    database = refused_address("postgresql://ann:topsecret@db/mlflow")
    assert web is not None and database is not None
    assert "write http://mlflow.lab:5000, and put the password into MLFLOW_TRACKING_USER" in web
    assert "write postgresql://db/mlflow" in database and "PGPASSFILE" in database
    assert "topsecret" not in web + database
