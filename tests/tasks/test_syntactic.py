"""Labels of syntax, and the supertags that a user brings."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from tests.tasks.files import write
from xstilts.data import task_data
from xstilts.tasks import PUBLISHED
from xstilts.tasks.syntactic import ENGLISH_SUBTYPES, UNIVERSAL_RELATIONS


def test_relations_are_the_universal_ones_and_subtypes_of_them() -> None:
    assert len(UNIVERSAL_RELATIONS) == 37
    assert {one.split(":")[0] for one in ENGLISH_SUBTYPES} <= set(UNIVERSAL_RELATIONS)
    assert len(PUBLISHED["conll2000"].labels) == 23


def test_brought_supertags_give_the_labels_and_are_asked_for_with_their_licence(
    tmp_path: Path,
) -> None:
    ccg, context = PUBLISHED["ccg"], worlds.context(tmp_path)
    (problem,) = set(task_data.check(ccg, "train", context))
    assert "ccg/{split}.conll" in problem and "LDC2005T13" in problem
    for split in ("train", "dev", "test"):
        write(tmp_path / "ccg" / f"{split}.conll", "John\tNP\nsleeps\t(S[dcl]\\NP)\n\nMary\tNP\n")
    assert task_data.check(ccg, "train", context) == []
    assert len(task_data.rows(ccg, "train", None, context)) == 2
