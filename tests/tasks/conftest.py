"""Data in the hub's own schemas, written once for all tests of tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import hub_world


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror with a few rows of every dataset, in the hub's own columns."""
    folder = tmp_path_factory.mktemp("hub")
    hub_world.make_hub(folder)
    return folder
