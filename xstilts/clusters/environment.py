"""The variables that a job gets from this machine: a short list, none of them a secret.

Whatever else the job needs (keys of a cloud, HF_TOKEN, the password of an MLflow server) must be on
the cluster's machines, where its own tools look: a job's variables are shown to everybody who may
look at the cluster's dashboard.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

STOP_SECONDS = 180
"""Time that a job gets to end: its phases write partial checkpoints. Ray's own is 3 s."""
_SENT = re.compile(r"HF_HUB_OFFLINE|XSTILTS_[A-Z0-9_]+")
_GIVEN_OTHERWISE = ("XSTILTS_MIRROR", "XSTILTS_JOB")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|KEY", re.IGNORECASE)


def variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of a job: those of `environment` that may be sent, and how Ray ends it."""
    sent = {
        name: value
        for name, value in environment.items()
        if _SENT.fullmatch(name) and name not in _GIVEN_OTHERWISE and not _SECRET.search(name)
    }
    ending = {
        "RAY_JOB_STOP_SIGNAL": "SIGINT",
        "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
    }
    return {**sent, **ending}
