"""What the verbs return, and what `--json` prints of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.sweeps import small
from xstilts.api.done_already import DoneAlready, Unread
from xstilts.api.verb_values import CheckResult, Findings, PlanResult, RunResult, Status
from xstilts.checks.audit.cards import Finding
from xstilts.checks.audit.leak_report import Leak, LeakReport
from xstilts.checks.doctor import Check
from xstilts.data.looked import Facts
from xstilts.planning import make_plan
from xstilts.store.doubts import Doubt
from xstilts.store.ledger import Entry, State


def test_checked_warns_of_findings_that_are_warnings_and_not_of_notes() -> None:
    findings = [
        Finding(task="a", severity="warn", message="fewer rows"),
        Finding(task="b", severity="note", message="one language"),
    ]
    checked = CheckResult(small(), ["a note"], findings=findings)
    assert checked.warnings == ["a: fewer rows"]
    value = checked.to_json()
    assert (value["sweep"], value["notes"], value["leaks"]) == ("small", ["a note"], None)
    assert [one["severity"] for one in value["cards"]] == ["warn", "note"]


def test_planned_has_the_summary_of_the_plan_and_a_cost_where_one_was_estimated() -> None:
    unread = [Unread(what="task a", reason="nothing there", phases=2)]
    done = DoneAlready(phases=3, open=2, unread=unread)
    value = PlanResult(make_plan(small()), done).to_json()
    assert (value["sweep"], value["cached"], value["exact"]) == ("small", 3, False)
    assert value["not_known"] == {
        "phases": 2,
        "because": [{"what": "task a", "phases": 2, "reason": "nothing there"}],
    }
    assert "cost" not in value
    json.dumps(value)


@pytest.mark.parametrize("state", list(State))
def test_status_shows_the_first_line_of_what_failed_or_is_blocked(state: State) -> None:
    entry = Entry(
        slot="s", kind="target", model="m", task="t", seed=1, state=state, error="first\nsecond"
    )
    value = Status("x v1", {}, 1, [entry], "", []).to_json()
    shown = state in (State.FAILED, State.BLOCKED)
    assert value["failures"] == [{"slot": "s", "state": state, "error": "first"}] * shown


def test_findings_are_ok_unless_a_check_fails_and_advise_where_it_is_not_well() -> None:
    well = Check(name="disk", ok=True, what="free", fix="nothing")
    poor = Check(name="gpu", ok=False, what="none", fix="get one", serious=False)
    assert Findings([well, poor]).to_json()["ok"]
    value = Findings([well, poor, replace(poor, serious=True)]).to_json()
    assert not value["ok"]
    assert [one["advice"] for one in value["findings"]] == ["", "get one", "get one"]


def test_ran_is_a_json_value() -> None:
    ran = RunResult({"done": 1}, [], 1.0, 1, "", 0, [], "folder")
    assert json.loads(json.dumps(ran.to_json()))["pages"] == ""


def test_checked_keeps_for_the_report_what_concerns_the_numbers() -> None:
    leak = Leak(training="a", target="b", kind="row", rows={"en": 3}, of={"en": 4})
    notes = [
        Leak(training="a", target="c", kind="text", rows={"en": 1}, of={"en": 999}, severity="note")
    ]
    rows = [
        Facts(task="b", use="test", language=one, rows=4, left_out={"rows with a hidden label": 2})
        for one in ("en", "sw")
    ]
    checked = CheckResult(
        small(),
        ["a note"],
        rows=rows,
        doubts=[Doubt(task="b", message="has one row")],
        findings=[Finding(task="a", message="fewer rows")],
        leaks=LeakReport(leaks=[leak, *notes], skipped=["d"]),
    )
    assert [str(doubt) for doubt in checked.about_numbers] == [
        f"b: leak: {leak.message}",
        "b: has one row",
        "a: fewer rows",
        "b: (test) left out: 4 rows with a hidden label; 8 rows are used",
    ]
    assert checked.warnings == [
        f"leak: {leak.message}",
        "leaks were not looked for in d",
        "b: has one row",
        "a: fewer rows",
    ]
    json.dumps(checked.to_json())
