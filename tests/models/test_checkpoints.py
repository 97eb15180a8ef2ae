"""Files of models: what the libraries raise becomes our errors, and where the files are."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from tests.support import toy
from xstilts.errors import CorruptError, DataError, StoreError
from xstilts.models.checkpoints import hushed, loading, saving, tokenizer_of, unfit, weight_files


@pytest.mark.parametrize(
    ("stored", "kind", "says"),
    [
        (False, DataError, "m: this base model can't be loaded: no layers; it must be"),
        (True, CorruptError, "m: this checkpoint is damaged: no layers; move its phase's folder"),
    ],
)
def test_unfit_checkpoint_of_ours_is_damaged_and_a_base_model_wrong(
    stored: bool, kind: type[Exception], says: str
) -> None:
    error = unfit("m", "no layers", stored=stored)
    assert type(error) is kind and str(error).startswith(says)


@pytest.mark.parametrize("raised", [ValueError, KeyError, OSError, RuntimeError])
@pytest.mark.parametrize(("stored", "kind"), [(False, DataError), (True, CorruptError)])
def test_loading_turns_errors_of_the_libraries_into_ours(
    raised: type[Exception], stored: bool, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match="no such key"), loading("m", stored=stored):
        raise raised("no such key\nsecond line")


def test_loading_shows_the_first_line_alone() -> None:
    with pytest.raises(DataError) as error, loading("m", stored=False):
        raise ValueError("first\nsecond")
    assert "first" in str(error.value) and "second" not in str(error.value)


@pytest.mark.parametrize(
    ("stored", "what_to_do"),
    [(False, "fetch the model again"), (True, "move its phase's folder away and run again")],
)
def test_loading_a_damaged_safetensors_file_says_what_to_do(stored: bool, what_to_do: str) -> None:
    with pytest.raises(CorruptError, match=what_to_do), loading("m", stored=stored):
        raise SafetensorError("header too large")


def test_loading_lets_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), loading("m", stored=False):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError(f"Io error: os error {errno.ENOSPC}"),
        RuntimeError("could not serialize"),
    ],
)
def test_saving_turns_errors_of_the_disk_into_store_errors(
    tmp_path: Path, raised: Exception
) -> None:
    with pytest.raises(StoreError, match=str(tmp_path)), saving(tmp_path):
        raise raised


def test_saving_finds_the_number_of_an_error_in_the_text_of_safetensors(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as plain, saving(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(StoreError) as hidden, saving(tmp_path):
        raise SafetensorError(f"Io error: os error {errno.ENOSPC}")
    assert str(hidden.value) == str(plain.value)


def test_weight_files_of_one_file_and_of_an_index(tmp_path: Path) -> None:
    one, several = tmp_path / "one", tmp_path / "several"
    for folder in (one, several):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    save_file({"a": torch.zeros(1)}, one / "model.safetensors")
    assert weight_files(str(one), None) == [str(one / "model.safetensors")]
    names = ["model-2.safetensors", "model-1.safetensors"]
    for name in names:
        save_file({name[6]: torch.zeros(1)}, several / name)
    index = {"weight_map": {"2": names[0], "1": names[1]}}
    (several / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weight_files(str(several), None) == [str(several / name) for name in sorted(names)]


def test_tokenizer_of_a_folder_is_opened_again_only_after_a_change(tmp_path: Path) -> None:
    toy.base_model(tmp_path / "base")
    place = str(tmp_path / "base")
    first = tokenizer_of(place)
    assert tokenizer_of(place) is first
    file = tmp_path / "base" / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    assert tokenizer_of(place) is not first


def test_tokenizer_of_an_empty_folder_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be loaded"):
        tokenizer_of(str(tmp_path))


def test_hushed_puts_the_progress_bars_and_reports_back() -> None:
    from transformers.utils import logging

    logging.set_verbosity_warning()
    logging.enable_progress_bar()
    with pytest.raises(ValueError, match="on"), hushed():
        assert logging.get_verbosity() == logging.ERROR
        assert not logging.is_progress_bar_enabled()
        raise ValueError("on")
    assert logging.get_verbosity() == logging.WARNING and logging.is_progress_bar_enabled()
