"""Partial checkpoints: whole or not there, damage seen, disks that are full said to be so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support import toy
from xstilts.errors import StoreError
from xstilts.store.phases import Phase, Store
from xstilts.training import partial
from xstilts.training.phase import run_phase


def phase_in(folder: Path) -> Phase:
    return Store(folder).phase("id")


STATE = {"model": {"w": torch.arange(5.0)}, "progress": {"step": 3, "curve": [{"dev": None}]}}


def test_partial_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    phase = phase_in(tmp_path)
    partial.write(phase, 3, STATE, (2, {"w": torch.ones(5)}))
    assert partial.newest(phase) == 3
    assert phase.partial(3).name == "000000003"
    state, best = partial.read(phase.partial(3))
    assert (
        torch.equal(state["model"]["w"], STATE["model"]["w"])
        and state["progress"] == STATE["progress"]
    )
    assert best is not None and best[0] == 2 and torch.equal(best[1]["w"], torch.ones(5))


def test_partial_keeps_the_last_two_and_shares_the_best(tmp_path: Path) -> None:
    phase = phase_in(tmp_path)
    for step in (1, 2, 3):
        partial.write(phase, step, STATE, (1, {"w": torch.ones(5)}))
    assert phase.partials() == [3, 2]
    assert (phase.partial(3) / "best.pt").samefile(phase.partial(2) / "best.pt")
    partial.write(phase, 4, STATE, (4, {"w": torch.zeros(5)}))
    # type: ignore[index]
    assert torch.equal(partial.read(phase.partial(4))[1][1]["w"], torch.zeros(5))


@pytest.mark.parametrize(
    "damage", ["truncated", "flipped", "no manifest", "bad manifest", "no best", "other phase"]
)
def test_partial_that_is_damaged_is_passed_over(tmp_path: Path, damage: str) -> None:
    phase = phase_in(tmp_path)
    partial.write(phase, 1, STATE, None)
    partial.write(phase, 2, STATE, (2, {"w": torch.ones(5)}))
    folder = phase.partial(2)
    content = (folder / "state.pt").read_bytes()
    if damage == "truncated":
        (folder / "state.pt").write_bytes(content[:-7])
    elif damage == "flipped":
        (folder / "state.pt").write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
    elif damage == "no manifest":
        (folder / "manifest.json").unlink()
    elif damage == "bad manifest":
        (folder / "manifest.json").write_text("{}")
    elif damage == "no best":
        (folder / "best.pt").unlink()
    elif damage == "other phase":
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "phase": "other"}))
    with pytest.warns(UserWarning, match="going on without it"):
        assert partial.newest(phase) == 1


def test_partial_half_written_is_not_seen(tmp_path: Path) -> None:
    phase = phase_in(tmp_path)
    assert partial.newest(phase) is None
    with phase.staging() as made:
        (made / "state.pt").write_bytes(b"half")
        assert partial.newest(phase) is None and phase.partials() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root can mount the tiny disk that this test fills")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_partial_on_a_full_disk_is_a_store_error_and_leaves_the_last_one(small_disk: Path) -> None:
    phase = phase_in(small_disk)
    partial.write(phase, 1, STATE, None)
    with pytest.raises(StoreError, match="disk is full"):
        partial.write(phase, 2, {"w": torch.zeros(300_000)}, None)
    assert partial.newest(phase) == 1 and len(list(phase.partial(1).parent.iterdir())) == 1


def test_training_on_a_full_disk_is_a_store_error_and_can_be_run_again(
    small_disk: Path, tmp_path: Path
) -> None:
    toy.base_model(tmp_path / "base")
    toy.write_rows(tmp_path / "rows")
    spec = toy.training(str(tmp_path / "base"), [toy.task("class", tmp_path / "rows")])
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 420_000)
    with pytest.raises(StoreError, match="disk is full"):
        run_phase(spec, toy.context(small_disk), toy.silent)
    assert not Store(small_disk).phase(spec.id).done
    filler.unlink()
    assert run_phase(spec, toy.context(small_disk), toy.silent) == "done"
