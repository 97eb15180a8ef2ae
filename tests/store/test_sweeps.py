"""The sweep beside its ledger: written whole, read once, damage told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sweeps import paper_grid
from xstilts.errors import CorruptError, StoreError
from xstilts.store.sweeps import keep_sweep, read_sweep, sweep_before


def test_kept_sweep_comes_back_as_it_was(tmp_path: Path) -> None:
    sweep = paper_grid()
    keep_sweep(tmp_path, sweep)
    assert read_sweep(tmp_path) == sweep_before(tmp_path) == sweep


def test_read_sweep_where_nothing_was_run_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been run yet; start it with `xstilts run`"):
        read_sweep(tmp_path)
    assert sweep_before(tmp_path) is None


def test_read_sweep_damaged_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(CorruptError, match="writes it again"):
        read_sweep(tmp_path)
    with pytest.raises(CorruptError, match="writes it again"):
        sweep_before(tmp_path)


@pytest.mark.parametrize(
    "old, new", [(b'"accuracy"', b'"accurbcy"'), (b"anli", b"bnli"), (b'"seed": 0', b'"seed": 1')]
)
def test_read_sweep_flipped_letter_that_still_parses_is_corrupt(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    keep_sweep(tmp_path, paper_grid())
    file = tmp_path / "sweep.json"
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    with pytest.raises(CorruptError, match="its digest does not fit"):
        read_sweep(tmp_path)


@pytest.mark.parametrize("content", ["", "5", "null", '{"name": "x"}', "[" * 100_000])
def test_read_sweep_odd_file_is_told_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(CorruptError, match=r"sweep\.json: damaged \(.+\)") as caught:
        read_sweep(tmp_path)
    assert "\n" not in str(caught.value)
