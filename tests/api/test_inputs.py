"""The data and models that a plan reads: their revisions, and all that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.api.inputs import data_context, look, resolve
from xstilts.api.opened import open_sweep
from xstilts.errors import DataError
from xstilts.store.phases import Store


def test_check_finds_what_is_wrong_in_model_and_data_at_once(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, models=["local/tinyy"])
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    (tmp_path / "rows/first.en.train.jsonl").write_text('{"text": "w1", "label": "middle"}\n')
    with pytest.raises(xstilts.SweepError) as caught:
        xstilts.check(file)
    text = str(caught.value)
    assert "local/tiny" in text
    assert "topic" in text
    assert "middle" in text
    assert len(caught.value.problems) >= 3


def test_context_is_the_mirror_the_folder_of_the_file_and_the_stores_cache(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    context = data_context(file, xstilts.load(file), Store(tmp_path / "store"))
    assert (context.mirror, context.base) == (str(tmp_path / "mirror"), str(tmp_path))
    assert context.cache == str(tmp_path / "store/data")


def test_resolve_gives_a_revision_for_all_that_is_trained_scored_and_started_from(
    tmp_path: Path,
) -> None:
    opened = open_sweep(make_sweep(tmp_path))
    found = resolve(opened.plan, opened.context)
    assert set(found.train) == {"first", "topic"}
    assert set(found.evaluate) == {"topic"}
    assert set(found.models) == {"local/tiny"}
    assert all(len(one) == 24 for part in (found.train, found.models) for one in part.values())


def test_model_without_weights_is_an_error_to_resolve_and_a_problem_to_check(
    tmp_path: Path,
) -> None:
    opened = open_sweep(make_sweep(tmp_path))
    assert look(opened.plan, opened.context).problems == []
    (tmp_path / "mirror/models/local/tiny/model.safetensors").unlink()
    with pytest.raises(DataError, match="has no safetensors weights"):
        resolve(opened.plan, opened.context)
    (problem,) = look(opened.plan, opened.context).problems
    assert "has no safetensors weights" in problem
