"""What all tests share: no network, few threads, the mirror with real data where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""


def pytest_configure(config: pytest.Config) -> None:
    """Sets what libraries read when they are imported, and how examples are made."""
    settings.register_profile(
        "xstilts", max_examples=60, derandomize=True, database=None, deadline=None
    )
    settings.load_profile("xstilts")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("MPLBACKEND", "Agg")
    if config.option.markexpr != "hub":
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the mirror with real data; the test is skipped where there is none."""
    given = os.environ.get("XSTILTS_MIRROR")
    folder = Path(given) if given else ROOT.parent / "shared" / "mirror"
    if not (folder / "datasets").is_dir():
        pytest.skip(f"no mirror with real data at {folder}; XSTILTS_MIRROR names one")
    return folder.resolve()
