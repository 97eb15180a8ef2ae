"""An environment without the user's settings, for benchmarks: what they measure is the same
everywhere.
"""

from __future__ import annotations

import os

USERS = ("XSTILTS_", "HF_", "HUGGINGFACE_", "TRANSFORMERS_", "MLFLOW_", "RAY_", "TUNE_")
"""How the names of variables begin that change what xstilts or its libraries do."""
OWN = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def use_own_environment() -> None:
    """Drops the user's variables from this process and its children, and sets our own; to be called
    before libraries are imported, which read them then.
    """
    for name in [name for name in os.environ if name.startswith(USERS)]:
        del os.environ[name]
    os.environ.update(OWN)
