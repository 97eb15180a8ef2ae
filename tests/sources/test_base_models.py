"""Base models in folders and mirrors: found, named by content, refused without safetensors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from xstilts.errors import DataError
from xstilts.sources.base_models import model_revision, resolve_model


def test_model_folder_is_found_and_hashed_by_content(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    where = worlds.context(tmp_path, tmp_path)
    assert resolve_model("org/m", where) == str(folder)
    first = model_revision("org/m", where)
    assert model_revision("./models/org/m", where) == first
    (folder / "README.md").write_text("words")
    assert model_revision("org/m", where) == first
    (folder / "model.safetensors").write_bytes(b"heavier")
    assert model_revision("org/m", where) != first


def test_model_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(DataError, match="no safetensors weights"):
        model_revision("org/m", worlds.context(tmp_path, tmp_path))


def test_model_missing_in_a_mirror_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(DataError, match="xstilts fetch SWEEP --mirror"):
        resolve_model("org/m", worlds.context(tmp_path, tmp_path))
