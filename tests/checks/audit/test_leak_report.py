"""Leaks in lines."""

from __future__ import annotations

from xstilts.checks.audit.leak_report import Leak, LeakReport


def leak(rows: int, **changes: object) -> Leak:
    """A leak of `rows` of 10 rows."""
    values = {"training": "target", "target": "target", "kind": "row", "own": True, **changes}
    return Leak(rows={"en": rows}, of={"en": 10}, **values)  # type: ignore[arg-type]


def test_warnings_are_one_line_for_all_leaks_and_one_for_all_that_was_skipped() -> None:
    assert LeakReport().warnings() == []
    found = [leak(6), leak(3, training="first", own=False)]
    assert LeakReport(leaks=found).warnings() == [
        "leaks: evaluation rows of target are also in training rows, at worst 60% (target in its "
        "own training rows); `xstilts check SWEEP` lists all 2"
    ]
    assert LeakReport(leaks=found[:1], skipped=["a (train): gone"]).warnings() == [
        f"leak: {found[0].message}",
        "leaks were not looked for in a (train): gone",
    ]
    many = LeakReport(skipped=["a (train): gone", "b (train): gone", "c (train): gone"])
    assert many.warnings() == [
        "leaks were not looked for in a (train): gone; nor in 2 more: `xstilts check SWEEP` lists "
        "them"
    ]


def test_notes_are_no_warnings_and_a_kept_report_is_the_same() -> None:
    report = LeakReport(leaks=[leak(1, severity="note", examples=("w1 | w2",))], pairs=3)
    assert report.warnings() == []
    assert LeakReport.of_json(report.to_json()) == report
