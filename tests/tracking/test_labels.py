"""Names, tags and descriptions of runs."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from markdown_it import MarkdownIt

from xstilts.store.ledger import Entry, StagePhase, State
from xstilts.tracking.book import Book
from xstilts.tracking.labels import note, pair_name, run_name, tags
from xstilts.tracking.numbers import NOTHING


def _entry(**fields: Any) -> Entry:
    common: dict[str, Any] = {"slot": "s", "kind": "evaluate", "model": "m", "task": "udpos"}
    pair = {"intermediate": "squad", "target": "udpos", "seed": 1, "state": State.DONE}
    return Entry(**{**common, **pair, **fields})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "squad→udpos s1"),
        ({"kind": "target", "trial": 2}, "squad→udpos train t2"),
        ({"kind": "intermediate", "target": "", "seed": 3}, "squad train s3"),
        ({"intermediate": "mlm-then-squad"}, "mlm-then-squad→udpos s1"),
        ({"kind": "pretrain", "intermediate": "", "target": "", "seed": 0}, "m pretrain s0"),
    ],
)
def test_run_name_says_pair_work_and_seed_or_trial(fields: dict[str, Any], name: str) -> None:
    assert run_name(_entry(**fields), several_models=False) == name


def test_run_name_names_the_model_where_there_are_several() -> None:
    assert run_name(_entry(), several_models=True) == "m: squad→udpos s1"
    assert run_name(_entry(kind="pretrain"), several_models=True) == "m pretrain s1"


def test_pair_name_of_an_intermediate_is_its_label() -> None:
    assert pair_name(_entry(kind="intermediate", target="")) == "squad"


def test_note_says_the_error_and_what_is_scored() -> None:
    trained = _entry(slot="t", kind="target", phase="p1")
    failed = _entry(phase="p2", state=State.FAILED, error="out of memory")
    text = note(failed, "p1", "", Book([trained, failed]), several_models=False)
    assert text["mlflow.note.content"] == (
        "**failed**: out of memory\n\nScores the checkpoint of **squad→udpos train s1**."
    )
    assert note(_entry(), "unknown", "", Book([]), several_models=False) == {}


def test_tags_name_every_slot_of_the_phase_and_every_stage_of_a_chain() -> None:
    lineage = tuple(
        StagePhase(kind=kind, task="t", phase=phase)  # type: ignore[arg-type]
        for kind, phase in (("intermediate", "p1"), ("intermediate", "p2"), ("target", "p3"))
    )
    first, second = (_entry(slot=slot, phase="p4", lineage=lineage) for slot in "ab")
    found = tags("p4", NOTHING, Book([first, second]))
    assert found["xstilts.slot"] == "a, b"
    assert found["xstilts.pair"] == "squad→udpos"
    assert found["xstilts.intermediate_phase"] == "p1, p2"
    assert "xstilts.error" not in found


def test_note_of_hostile_errors_names_and_paths_is_text() -> None:
    trained = _entry(slot="t", kind="target", phase="p1", intermediate="![i](http://x.y/z.png)")
    failed = _entry(phase="p2", state=State.FAILED, error="<img src=//x.y>\n# big [a](b) `c`")
    book = Book([trained, failed])
    text = note(failed, "p1", "/a`b/<i>", book, several_models=False)["mlflow.note.content"]
    html = MarkdownIt("commonmark").render(text)
    assert not re.search("<(img|a|h1|script)[ >]", html) and "http://" not in text
    shown = unescape(re.sub("<[^>]+>", "", html))
    assert "<img src=//x.y> # big [a](b) `c`" in shown
    assert "![i](http://x.y/z.png)→" in shown
    assert "<code>/aʼb/&lt;i&gt;</code>" in html
