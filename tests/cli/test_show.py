"""How values look in a log: plain, unwrapped, complete."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from tests.support.printing import shown
from xstilts.cli import show


def test_run_lists_failures_apart_by_their_first_line() -> None:
    ran = {
        "failures": [
            {"state": "failed", "slot": "m/squad/t0", "error": "out of memory\ntraceback"}
        ],
        "stopped": "",
        "started": 3,
        "seconds": 10.0,
        "folder": "/cache/x-v1",
        "copy_of": "s3://bucket/sweeps/x-v1",
        "pages": "",
        "budget": "",
        "report": "",
    }
    text = shown(show.run, ran)
    assert "failed: m/squad/t0: out of memory\n" in text
    assert "traceback" not in text
    assert "3 phases run in 10 s; kept in s3://bucket/sweeps/x-v1\n" in text


def test_run_stopped_says_how_to_carry_on() -> None:
    ran = {
        "failures": [],
        "stopped": "budget",
        "started": 3,
        "seconds": 10.0,
        "folder": "f",
        "copy_of": "",
        "pages": "http://server/#/experiments/1",
        "budget": "budget of 5 phases, 5 started",
        "report": "f/report/report.html",
    }
    text = shown(show.run, ran)
    assert "stopped: budget of 5 phases, 5 started; the same command carries on from here\n" in text
    assert "report of what there is: f/report/report.html" in text
    ran["budget"] = "budget of 40 GPU hours, 40.1 used"
    assert "carries on from here, once the budget is raised\n" in shown(show.run, ran)
    interrupted = {**ran, "stopped": "interrupted", "budget": "", "report": ""}
    assert "stopped (interrupted); the same command carries on" in shown(show.run, interrupted)


def test_status_says_what_was_spent_beside_the_budget() -> None:
    spent = {
        "gpu_hours": 39.66,
        "by_kind": {"A100-80GB": 30.0, "L4": 9.66},
        "money": 103.728,
        "budget_gpu_hours": 40.0,
        "budget_money": None,
    }
    found = {"sweep": "s v1", "counts": {"done": 3}, "total": 9, "driver": "", "failures": []}
    text = shown(show.status, {**found, "spent": spent})
    assert "spent: 39.7 of 40 GPU hours; 30.0 on A100-80GB, 9.7 on L4; 103.73 in money\n" in text
    assert "spent" not in shown(show.status, {**found, "spent": None})


def test_plan_on_a_cluster_shows_smaller_and_larger_ones() -> None:
    one = {
        "nodes": "4xL4",
        "hours": 9.3,
        "idle": 0.012,
        "gpu_hours_held": 37.1,
        "gpu_hours_rented": 37.6,
        "money_rented": 30.08,
        "money_held": 29.68,
    }
    two = {**one, "nodes": "8xL4", "hours": 4.7, "idle": 0.2}
    on_cluster = {
        **one,
        "phases": 473,
        "longest_way_hours": 3.0,
        "others": [one, two],
        "notes": ["[a] note"],
    }
    found = {
        "sweep": "s",
        "version": 1,
        "phases": 473,
        "cached": 0,
        "not_known": {"phases": 0, "because": []},
        "trainings": {"target": 473},
        "evaluations": 0,
        "shared_savings": {},
        "examples": 1,
        "notes": [],
        "on_cluster": on_cluster,
    }
    text = shown(show.plan, found)
    assert "4xL4     9.3    1%            37.1    37.6              30.08             29.68" in text
    assert "8xL4     4.7   20%" in text
    assert "473 phases left to run; the longest chain" in text and "takes 3 h 00 min" in text
    assert "[a] note" in text
    bare = {**on_cluster, "money_rented": None, "others": [{**one, "money_rented": None}]}
    assert "money" not in shown(show.plan, {**found, "on_cluster": bare})


def test_doctor_shows_what_to_do_beside_what_is_wrong() -> None:
    finding = {
        "name": "open files",
        "state": "warn",
        "message": "1024",
        "advice": "ulimit -n 65536",
    }
    text = shown(show.doctor, {"ok": True, "findings": [finding]})
    assert "warn  open files: 1024" in text
    assert "-> ulimit -n 65536" in text


CHECKED: dict[str, Any] = {
    "sweep": "s",
    "version": 1,
    "notes": ["[a] note"],
    "sources": [
        {
            "task": "squad",
            "use": "train",
            "source": "rajpurkar/squad plain_text",
            "languages": ["en"],
            "split": "train[:90%]",
            "asked": "main",
            "resolved": "0123456789abcdef",
            "kind": "commit",
            "rows": 78839,
            "has": "87,599",
            "card": "",
        }
    ],
    "models": [{"model": "local/tiny", "asked": "main", "resolved": "feed"}],
    "cards": [
        {"task": "squad", "message": "train has 6 rows", "severity": "warn"},
        {"task": "xnli", "message": "scored in 2 of its 15 languages", "severity": "note"},
    ],
    "leaks": {"pairs": 3, "found": [], "repeats": [], "skipped": []},
}


def test_check_shows_what_is_read_with_its_revision_and_card() -> None:
    lines = shown(show.check, CHECKED).splitlines()
    row = next(line for line in lines if line.startswith("squad "))
    assert "main -> commit 0123456789ab" in row
    assert "train[:90%]" in row
    assert row.split()[-3:] == ["78,839", "87,599", "-"]
    assert "model local/tiny: feed" in lines
    assert "card: squad: train has 6 rows" in lines
    assert "card (note): xnli: scored in 2 of its 15 languages" in lines
    assert "leaks: none in 3 pairs of training rows and evaluation rows" in lines
    assert "note: [a] note" in lines


def test_check_tells_what_is_left_out_and_which_labels_there_are() -> None:
    left_out = {"questions without an answer": 1200, "sentences without a token": 1}
    labels = {f"L{number}": number for number in range(14)}
    found = {
        **CHECKED,
        "sources": [{**CHECKED["sources"][0], "left_out": left_out}],
        "rows": [
            {"task": "who", "use": "test", "language": "en", "labels": {"O": 1000, "B-X": 2}},
            {"task": "who", "use": "test", "language": "de", "labels": {"O": 500, "B-X": 0}},
            {"task": "big", "use": "train", "language": "en", "labels": labels},
            {"task": "squad", "use": "train", "language": "en", "labels": {}},
        ],
    }
    lines = shown(show.check, found).splitlines()
    assert (
        "left out: squad (train): 1,200 questions without an answer, 1 sentences without a token"
    ) in lines
    assert "labels of who (test): O 1,500, B-X 2" in lines
    (big,) = (line for line in lines if line.startswith("labels of big (train): L0 0, L1 1"))
    assert big.endswith("L11 11 and 2 more")
    assert not any(line.startswith("labels of squad") for line in lines)


def test_check_leaks_are_told_with_examples_and_what_was_skipped() -> None:
    leak = {
        "kind": "row",
        "severity": "warn",
        "message": "evaluation rows of xquad stand in [x]",
        "examples": ["who? / he"],
    }
    found = {
        **CHECKED,
        "leaks": {
            "pairs": 1,
            "found": [leak],
            "repeats": [{"message": "5 of 5 training rows"}],
            "skipped": ["ccg (train): not there"],
        },
    }
    text = shown(show.check, found)
    assert "leak: evaluation rows of xquad stand in [x]\n      who? / he\n" in text
    assert "repeat: 5 of 5 training rows" in text
    assert "leaks were not looked for: ccg (train): not there" in text
    assert "leaks: none" not in text


def test_check_leaks_by_chance_are_notes() -> None:
    note = {"kind": "text", "severity": "note", "message": "1 of 1,000", "examples": []}
    text = shown(
        show.check,
        {**CHECKED, "leaks": {"pairs": 2, "found": [note], "repeats": [], "skipped": []}},
    )
    assert "leak (note): 1 of 1,000\n" in text
    assert "leaks: none in 2 pairs" in text


def test_check_in_a_narrow_window_has_short_lines_and_cuts_no_word() -> None:
    out = io.StringIO()
    show.check(Console(file=out, width=60, force_terminal=True, color_system=None), CHECKED)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    at = lines.index("squad (train): 78,839 rows in 1 language")
    assert lines[at + 1 : at + 3] == [
        "    rajpurkar/squad plain_text, train[:90%] (has 87,599)",
        "    main -> commit 0123456789ab",
    ]
    assert "…" not in out.getvalue()


def test_check_leaks_not_looked_for_is_said() -> None:
    assert "leaks: not looked for\n" in shown(show.check, {**CHECKED, "leaks": None})


def test_plan_shows_examples_tokens_and_hours_by_kind() -> None:
    work = {"phases": 2, "examples": 3_200_000, "evaluated": 0, "tokens": 1.5e9, "gpu_hours": 12.34}
    cost = {
        "gpu": "H100",
        "by_kind": {"target": work},
        "total": work,
        "unknown": ["dev rows of tone"],
        "saved_by_sharing": {**work, "gpu_hours": 0.01},
        "assumptions": "H100 at 30%",
    }
    found = {
        "sweep": "s",
        "version": 1,
        "phases": 2,
        "cached": 0,
        "not_known": {"phases": 0, "because": []},
        "shared_savings": {},
        "trainings": {"target": 2},
        "evaluations": 0,
        "examples": 1,
        "notes": [],
        "cost": cost,
    }
    text = shown(show.plan, found)
    assert "estimate on H100" in text
    assert ["target", "2", "3.2", "million", "0", "1.5", "billion", "12.3"] in [
        x.split() for x in text.splitlines()
    ]
    assert "saved by sharing" in text
    assert "below 0.1" in text
    assert "not counted, because it is unknown: dev rows of tone" in text
    assert "H100 at 30%" in text


def test_plan_says_at_its_end_what_of_it_may_be_done_already_and_why_that_is_not_known() -> None:
    because = [
        {"what": "task ccg", "phases": 16, "reason": "files ccg: nothing there"},
        {"what": "model org/m", "phases": 1, "reason": "not downloaded to this machine yet"},
    ]
    found = {
        "sweep": "s",
        "version": 1,
        "phases": 40,
        "cached": 12,
        "not_known": {"phases": 17, "because": because},
        "shared_savings": {},
        "trainings": {"target": 2},
        "evaluations": 0,
        "examples": 1,
        "notes": ["a note"],
    }
    lines = shown(show.plan, found).splitlines()
    assert lines[0] == "s v1: 40 phases, at least 12 of them done"
    assert lines[-3].startswith("not known whether 17 phases are done already; ")
    assert lines[-2:] == [
        "  task ccg, 16 phases: files ccg: nothing there",
        "  model org/m, 1 phase: not downloaded to this machine yet",
    ]


def test_check_shows_doubts_with_their_task() -> None:
    doubts = [{"task": "mail", "message": "label `x` has no training row [see]"}]
    lines = shown(show.check, {**CHECKED, "doubts": doubts}).splitlines()
    assert "doubt: mail: label `x` has no training row [see]" in lines


def test_why_tells_causes_open_slots_and_the_ledger() -> None:
    cause = {
        "changes": ["target.lr 1 -> 2"],
        "phases": 12,
        "by_parent": 6,
        "example": "a/b",
        "nearest": "ff",
    }
    found = {
        "sweep": "s v1",
        "slots": {"done": 1, "new": 14, "open": 2},
        "causes": [cause, {**cause, "changes": [], "by_parent": 0, "nearest": ""}],
        "open": [{"reason": "it waits", "slots": 2, "example": "c"}],
        "ledger": [{"slot": f"d{i}", "state": "failed: x"} for i in range(12)],
    }
    text = shown(show.why, found)
    assert "slots done: 1; to be filled: 14, by 24 new phases; open: 2" in text
    assert "12 phases: target.lr 1 -> 2\n    6 of them through what they start from" in text
    assert "12 phases: nothing like it has a record" in text
    assert "2 slots open: it waits, such as c" in text
    assert "in the ledger: 2 more" in text


def test_why_of_an_open_slot_names_what_it_waits_for() -> None:
    found = {"slot": "s", "standing": "open", "phase": "", "nearest": "", "changes": []}
    found |= {"reason": "a search has yet to suggest lr", "waits_for": "a>b", "ledger": ""}
    text = shown(show.why_slot, {**found, "because": []})
    assert text == "s: not known before the run: a search has yet to suggest lr (a>b)\n"


def test_why_of_a_slot_follows_its_parents() -> None:
    parent = {"slot": "p", "phase": "aa", "standing": "new", "nearest": "", "changes": []}
    found = {
        "slot": "s",
        "standing": "new",
        "phase": "bb",
        "nearest": "cc",
        "changes": [{"said": "parent x -> aa"}],
        "ledger": "failed: x",
        "because": [parent],
    }
    assert shown(show.why_slot, found).splitlines() == [
        "s: will be run as phase bb",
        "    in the ledger: failed: x",
        "    nearest with a record: phase cc",
        "    parent x -> aa",
        "because of p (phase aa):",
        "    nothing like it has a record",
    ]
