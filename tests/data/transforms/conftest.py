"""A tiny translation model, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tiny_translator import make_translator


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model."""
    return make_translator(tmp_path_factory.mktemp("model") / "tiny")
