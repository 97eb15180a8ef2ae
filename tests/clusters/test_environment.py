"""Which of the submitter's variables a job gets, and how long it has to end."""

from __future__ import annotations

from xstilts.clusters.environment import STOP_SECONDS, variables
from xstilts.driver.cluster import ENDING_SECONDS
from xstilts.driver.engine import LEAVE_SECONDS

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


def test_job_is_not_killed_while_its_phases_keep_what_they_have() -> None:
    leaving, ending, disconnecting, tracking = LEAVE_SECONDS, ENDING_SECONDS, ENDING_SECONDS, 10
    needed = leaving + ending + disconnecting + tracking
    assert 2 * needed <= float(variables({})["RAY_JOB_STOP_WAIT_TIME_S"])  # on a busy machine, too
