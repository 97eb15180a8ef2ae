"""Rows are tokenised ahead of their phase, in the form that it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import toy
from xstilts.errors import DataError
from xstilts.spec.phase import ModelParent, PhaseSpec
from xstilts.training.phase import run_phase
from xstilts.training.preparation import prepare


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows")
    return folder


def tokenised(store: Path) -> set[str]:
    return {one.name for one in (store / "data/encoded").iterdir() if one.is_dir()}


def training(world: Path, **changes: Any) -> PhaseSpec:
    return toy.training(str(world / "base"), [toy.task("class", world / "rows")], **changes)


def test_prepare_leaves_nothing_to_tokenise_for_a_training(world: Path, tmp_path: Path) -> None:
    spec = training(world)
    prepare(spec, toy.context(tmp_path))
    before = tokenised(tmp_path)
    assert len(before) == 2  # training and development rows
    assert run_phase(spec, toy.context(tmp_path), toy.silent) == "done"
    assert tokenised(tmp_path) == before


def test_prepare_from_the_base_model_serves_what_starts_from_its_checkpoints(
    world: Path, tmp_path: Path
) -> None:
    first, task = training(world), toy.task("tags", world / "rows")
    scored = toy.evaluation(first, toy.task("class", world / "rows"))
    second = toy.training("", [task], parent=scored.parent)
    base = ModelParent(model=str(world / "base"), revision="r")
    for spec in (first, scored, second):
        prepare(spec.model_copy(update={"parent": base}), toy.context(tmp_path))
    before = tokenised(tmp_path)
    assert len(before) == 6  # two trainings' rows, and the test rows of two languages
    for spec in (first, scored, second):
        assert run_phase(spec, toy.context(tmp_path), toy.silent) == "done"
    assert tokenised(tmp_path) == before


def test_prepare_reads_no_model(world: Path, tmp_path: Path) -> None:
    (tmp_path / "only-tokenizer").mkdir()
    for file in (world / "base").glob("*token*"):
        (tmp_path / "only-tokenizer" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "only-tokenizer/config.json").write_bytes((world / "base/config.json").read_bytes())
    spec = toy.training(str(tmp_path / "only-tokenizer"), [toy.task("class", world / "rows")])
    prepare(spec, toy.context(tmp_path / "store"))
    assert len(tokenised(tmp_path / "store")) == 2


def test_prepare_rows_that_cannot_be_used_is_an_error_of_the_data(
    world: Path, tmp_path: Path
) -> None:
    wrong = toy.task("class", world / "rows", labels=("bad",))
    spec = toy.training(str(world / "base"), [wrong])
    with pytest.raises(DataError, match="label"):
        prepare(spec, toy.context(tmp_path))
