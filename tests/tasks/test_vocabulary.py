"""Words of the groups, and the bounds of the sizes."""

from __future__ import annotations

import pytest

from tests.tasks.published import TARGETS, TRAINING_ROWS
from xstilts.tasks import GROUPS, PUBLISHED, TASKS, vocabulary


@pytest.mark.parametrize("name", sorted(TASKS))
def test_groups_are_words_of_the_vocabulary_and_one_says_what_is_taught(name: str) -> None:
    groups = TASKS[name].groups
    assert set(groups) <= set(GROUPS)
    assert len(set(groups)) == len(groups)
    assert len(set(groups) & set(vocabulary.KINDS)) == 1
    assert len(set(groups) & set(vocabulary.BENCHMARK_GROUPS)) == (name in TARGETS)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_size_group_is_that_of_the_published_training_rows(name: str) -> None:
    task = PUBLISHED[name]
    sizes = set(task.groups) & set(vocabulary.SIZES)
    if not task.has("train") or task.format == "masked_lm":
        assert not sizes
    else:
        assert sizes == {
            vocabulary.size_group(sum(TRAINING_ROWS[leaf.name] for leaf in task.leaves))
        }


def test_size_group_at_its_bounds_is_medium() -> None:
    sizes = [vocabulary.size_group(rows) for rows in (9_999, 10_000, 100_000, 100_001)]
    assert sizes == ["size:small", "size:medium", "size:medium", "size:large"]
