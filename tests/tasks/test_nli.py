"""Natural language inference, and the union of its tasks."""

from __future__ import annotations

from tests.tasks.published import TRAINING_ROWS
from xstilts.tasks import PUBLISHED


def test_union_has_the_label_names_of_its_parts_and_no_rows_of_its_own() -> None:
    union = PUBLISHED["anli_plus"]
    assert [part.name for part in union.parts] == ["anli_r1", "anli_r2", "anli_r3", "mnli", "snli"]
    assert all(
        set(part.labels) == set(union.labels) and part == PUBLISHED[part.name]
        for part in union.parts
    )
    assert sum(TRAINING_ROWS[part.name] for part in union.parts) == 1_104_934
