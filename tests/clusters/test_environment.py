"""Which of the submitter's variables a job gets, and which addresses may stand in its command."""

from __future__ import annotations

import pytest

from xstilts.clusters.environment import STOP_SECONDS, variables, without_credentials
from xstilts.errors import InputError

SECRETS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_USERNAME",
    "RAY_AUTH_TOKEN",
    "XSTILTS_SECRET_KEY",
    "XSTILTS_HUB_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
)


def test_variables_of_a_job_are_the_few_that_are_listed_and_no_secret() -> None:
    given = {
        **dict.fromkeys(SECRETS, "hush"),
        "HF_HUB_OFFLINE": "1",
        "XSTILTS_SOMETHING": "yes",
        "XSTILTS_MIRROR": "/mirror",
        "PATH": "/bin",
    }
    assert variables(given) == {
        "HF_HUB_OFFLINE": "1",
        "XSTILTS_SOMETHING": "yes",
        "RAY_JOB_STOP_SIGNAL": "SIGINT",
        "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
    }


@pytest.mark.parametrize("address", [None, "store", "s3://bucket/a@b", "http://host:5000"])
def test_address_without_credentials_is_good(address: str | None) -> None:
    without_credentials("tracking", address)


@pytest.mark.parametrize("address", ["http://me:hush@host:5000", "postgresql://me@host/db"])
def test_address_with_credentials_is_refused_without_showing_them(address: str) -> None:
    with pytest.raises(InputError, match=r"tracking holds .*MLFLOW_TRACKING_PASSWORD") as error:
        without_credentials("tracking", address)
    assert "hush" not in str(error.value) and "me@" not in str(error.value)
