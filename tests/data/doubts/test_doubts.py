"""All doubts about the rows of one use, and that `check` has them."""

from __future__ import annotations

from pathlib import Path

from tests.data.doubts.tables import answers, tagged, task
from tests.support import worlds
from xstilts.data import looked
from xstilts.data.doubts import doubts


def test_each_format_is_asked_about_its_own_roles() -> None:
    marked = [[f"en:{word}" for word in ("a", "b", f"c{n}")] for n in range(9)]
    (told,) = doubts(tagged(marked), task("tagging", labels=("O", "B-X")), "train")
    assert "`en:`" in told
    rows = [(f"ü{'x' * n} river", "river", n + 3) for n in range(5)]
    (told,) = doubts(answers(rows), task("span_qa"), "train")
    assert "bytes" in told


def test_no_rows_no_doubts() -> None:
    assert doubts(tagged([]), task("tagging", labels=("O", "B-X")), "train") == ()


def test_doubts_are_facts_of_their_use_and_kept(tmp_path: Path) -> None:
    own, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    same = [{"body": "one text", "verdict": label} for label in (0, 1) * 5]
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", same)
    first = looked.look(own, "train", context)
    assert [bool(facts.doubts) for facts in first.facts] == [False, True]
    assert "have the same text: is `body` the right column?" in first.facts[1].doubts[0]
    assert looked.look(own, "train", context) == first
