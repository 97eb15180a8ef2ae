"""`xstilts.verify`: a store's folder in, what was found out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import xstilts
from tests.support.builders import build_store, record_file


@pytest.mark.parametrize("given", [str, Path])
def test_verify_takes_the_folder_of_a_store(tmp_path: Path, given: type) -> None:
    store, _ = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=20
    )
    assert xstilts.verify(given(store.path)).damaged == []
    os.truncate(record_file(store, sorted(store.done())[0]), 9)
    told: list[tuple[int, int]] = []
    found = xstilts.verify(given(store.path), tell=lambda done, of: told.append((done, of)))
    assert len(found.damaged) == 1 and told[-1] == (found.phases, found.phases)


def test_verify_of_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(xstilts.XstiltsError, match="there is no store"):
        xstilts.verify(tmp_path / "none")
