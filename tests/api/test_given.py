"""What a verb was asked about: a file, a `Sweep`, or the folder where a sweep was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts import sweep_file
from xstilts.api.given import base_of, file_of, folder_of, load
from xstilts.errors import SweepError
from xstilts.spec.sweep import Sweep

TEXT = "name: x\nversion: 2\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\nstore: kept\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep file in a folder of its own."""
    monkeypatch.delenv(sweep_file.MIRROR_VARIABLE, raising=False)
    (tmp_path / "files").mkdir()
    path = tmp_path / "files/x.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def value(file: Path) -> Sweep:
    """The same as a value."""
    return sweep_file.load(file)


def test_load_puts_what_was_given_in_place_of_the_files_own(file: Path, value: Sweep) -> None:
    for given in (file, str(file), value):
        sweep = load(given, store="other", tracking="off")
        assert (sweep.store, sweep.tracking, sweep.mirror) == ("other", "off", None)
        assert sweep.targets == ("xquad",)
    assert load(value) == value


def test_load_of_a_folder_says_which_verbs_take_one(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="is a folder; must be a sweep file"):
        load(tmp_path)


def test_folder_of_a_sweep_lies_in_its_store_by_name_and_version(file: Path, value: Sweep) -> None:
    for given in (file, value):
        store, folder = folder_of(given, store=str(file.parent / "s"))
        assert store.path == file.parent / "s"
        assert folder == file.parent / "s/sweeps/x-v2"


def test_folder_where_a_sweep_was_run_stands_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "store/sweeps/x-v2"
    folder.mkdir(parents=True)
    (folder / "ledger.jsonl").touch()
    home = folder_of(folder, store="elsewhere")
    assert (home.store.path, home.folder) == (tmp_path / "store", folder)


def test_relative_paths_start_from_the_file_or_from_here(
    file: Path, value: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (file_of(file), base_of("files/x.yaml")) == (str(file), str(file.parent))
    assert (file_of(value), base_of(value)) == (None, str(tmp_path))


def test_load_of_a_value_refuses_a_language_that_would_become_a_path(value: Sweep) -> None:
    hostile = value.tasks[0].model_copy(update={"languages": ("en", "../../x")})
    with pytest.raises(SweepError, match=r'languages\[1\] is "../../x", which is no language code'):
        load(value.model_copy(update={"tasks": (hostile,)}))


def test_load_refuses_a_password_in_an_address_wherever_it_comes_from(
    file: Path, value: Sweep
) -> None:
    address = "http://ann:topsecret@mlflow.lab"
    changed = value.model_copy(update={"tracking": address})
    for given, tracking in ((file, address), (value, address), (changed, None)):
        with pytest.raises(SweepError, match="MLFLOW_TRACKING_PASSWORD") as raised:
            load(given, tracking=tracking)
        assert "topsecret" not in str(raised.value)
