"""The ledger: appended only, the last line of a slot counts, a torn line does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store.ledger import Entry, Ledger, StagePhase, State, require

STAGE = StagePhase(kind="target", task="t", phase="0" * 24)


def entry(slot: str = "a/t0") -> Entry:
    return Entry(slot=slot, kind="target", model="m", task="t", seed=1, params={"lr": 1e-4})


def test_ledger_read_again_holds_the_last_state_of_each_slot(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state=State.RUNNING)
    ledger.write(entry("a/t1"), state=State.RUNNING)
    ledger.write(entry(), state=State.DONE, lineage=(STAGE,))
    ledger.choose("a", "a/t0")
    again = Ledger(tmp_path)
    assert [(e.slot, e.state, e.lineage) for e in again.entries()] == [
        ("a/t0", State.DONE, (STAGE,)),
        ("a/t1", State.RUNNING, ()),
    ]
    assert again.chosen() == {"a": "a/t0"}
    assert again.get("a/t0").params == {"lr": 1e-4}  # type: ignore[union-attr]


@pytest.mark.parametrize("keep", [1, 20, 60])
def test_ledger_line_torn_by_a_crash_loses_that_line_alone(tmp_path: Path, keep: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state=State.DONE)
    whole = ledger.path.read_bytes()
    ledger.write(entry("a/t1"), state=State.DONE)
    torn = ledger.path.read_bytes()[: len(whole) + keep]
    ledger.path.write_bytes(torn)
    again = Ledger(tmp_path)
    assert [e.slot for e in again.entries()] == ["a/t0"]
    again.write(entry("a/t2"), state=State.DONE)
    assert [e.slot for e in Ledger(tmp_path).entries()] == ["a/t0", "a/t2"]


def test_ledger_required_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been run yet"):
        require(tmp_path)


def test_ledger_line_with_keys_of_another_version_is_read_without_them(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state=State.DONE)
    line = json.loads(ledger.path.read_bytes())
    ledger.path.write_text(json.dumps({**line, "value": 50.0, "train_phase": ""}) + "\n")
    assert Ledger(tmp_path).get("a/t0") == ledger.get("a/t0")


@pytest.mark.parametrize(
    "kinds, parent, intermediates",
    [
        ((), "", ()),
        (("pretrain",), "p0", ()),
        (("pretrain", "intermediate", "target"), "p2", ("p1",)),
        (("intermediate", "intermediate", "target"), "p2", ("p0", "p1")),
        (("intermediate", "intermediate"), "p1", ("p0", "p1")),
    ],
)
def test_entry_of_an_evaluation_reads_its_parent_and_intermediates_from_its_lineage(
    kinds: tuple[str, ...], parent: str, intermediates: tuple[str, ...]
) -> None:
    lineage = [{"kind": kind, "task": "t", "phase": f"p{i}"} for i, kind in enumerate(kinds)]
    scored = Entry.model_validate(
        {**entry().model_dump(), "kind": "evaluate", "phase": "e", "lineage": lineage}
    )
    assert scored.parent == scored.train_phase == parent
    assert scored.intermediate_phases == intermediates
    assert scored.intermediate_phase == (intermediates[-1] if intermediates else "")


def test_ledger_from_before_lineages_is_read_with_those_of_its_parents(tmp_path: Path) -> None:
    common = {"model": "m", "seed": 1, "state": "done", "value": 50.0}
    lines: list[dict[str, object]] = [
        {"slot": "root", "kind": "pretrain", "task": "text", "phase": "p0"},
        {"slot": "i", "kind": "intermediate", "task": "a", "phase": "p1", "parent": "p0"},
        {"slot": "t", "kind": "target", "task": "b", "phase": "p2", "parent": "p1"},
        {"slot": "e", "kind": "evaluate", "task": "b", "phase": "p3", "parent": "p2"},
        {"slot": "base", "kind": "evaluate", "task": "c", "phase": "p4"},
    ]
    text = "".join(json.dumps({**common, **line}) + "\n" for line in lines)
    (tmp_path / "ledger.jsonl").write_text(text)
    entries = {entry.slot: entry for entry in Ledger(tmp_path).entries()}
    assert [stage.phase for stage in entries["e"].lineage] == ["p0", "p1", "p2"]
    assert (entries["e"].train_phase, entries["e"].intermediate_phase) == ("p2", "p1")
    assert (entries["t"].parent, entries["t"].intermediate_phase) == ("p1", "p1")
    assert entries["base"].lineage == ()


@pytest.mark.parametrize("line", ["[]", "1", '"slot"', "null"])
def test_ledger_line_that_is_no_entry_is_passed_over(line: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text(line + "\n")
    assert Ledger(tmp_path).entries() == []
