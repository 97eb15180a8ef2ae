"""What the verbs return. `--json` prints what their `to_json()` gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from xstilts.errors import first_line
from xstilts.planning import Plan
from xstilts.planning.counts import summary
from xstilts.spec.sweep import Sweep
from xstilts.store.doubts import Doubt
from xstilts.store.ledger import Entry, State

if TYPE_CHECKING:
    from pathlib import Path

    from xstilts.api.done_already import DoneAlready
    from xstilts.checks.audit.cards import Finding
    from xstilts.checks.audit.leak_report import Leak, LeakReport
    from xstilts.checks.audit.revisions import Read, ReadModel
    from xstilts.checks.costs.clusters import Simulated
    from xstilts.checks.costs.values import Cost
    from xstilts.checks.doctor import Check
    from xstilts.checks.task_sizes import Size
    from xstilts.data.looked import Facts
    from xstilts.results.unreadable import Unreadable


@dataclass(frozen=True)
class CheckResult:
    """A sweep that passed the check."""

    sweep: Sweep
    notes: list[str]
    """What a reader of the results should know: splits cut out of others, repeated data, ..."""
    sources: list[Read] = field(default_factory=list)
    """All rows that it reads: their source, revision and number."""
    models: list[ReadModel] = field(default_factory=list)
    rows: list[Facts] = field(default_factory=list)
    """What the rows are: used, left out, their labels, what is doubtful."""
    doubts: list[Doubt] = field(default_factory=list)
    """What cannot be right about the data, though it can be used."""
    findings: list[Finding] = field(default_factory=list)
    """Where the data differs from its card."""
    leaks: LeakReport | None = None
    """Evaluation rows among training rows; None: not looked for."""

    @property
    def warnings(self) -> list[str]:
        """What to look at before anything is spent: leaks, all in one line, doubts, and data
        that differs from its card.
        """
        return [
            *(self.leaks.warnings() if self.leaks else []),
            *map(str, self.doubts),
            *map(str, self._cards),
        ]

    @property
    def about_numbers(self) -> list[Doubt]:
        """What a reader of the sweep's numbers must know, by task: the warnings, and rows that are
        left out.
        """
        from xstilts.checks.audit.doubted import left_out

        leaks = [Doubt(task=leak.target, message=f"leak: {leak.message}") for leak in self._leaks]
        return [*leaks, *self.doubts, *self._cards, *left_out(self.rows)]

    @property
    def _leaks(self) -> list[Leak]:
        found = self.leaks.leaks if self.leaks else []
        return [leak for leak in found if leak.severity == "warn"]

    @property
    def _cards(self) -> list[Doubt]:
        return [
            Doubt(task=finding.task, message=finding.message)
            for finding in self.findings
            if finding.severity == "warn"
        ]

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {
            "ok": True,
            "sweep": self.sweep.name,
            "version": self.sweep.version,
            "sources": [read.to_json() for read in self.sources],
            "models": [asdict(model) for model in self.models],
            "rows": [facts.to_json() for facts in self.rows],
            "doubts": [asdict(doubt) for doubt in self.doubts],
            "cards": [asdict(finding) for finding in self.findings],
            "leaks": self.leaks.to_json() if self.leaks else None,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class PlanResult:
    """A plan, how much of it is done, its cost, and notes."""

    plan: Plan
    done: DoneAlready
    """Distinct phases that have a record already, and those of which it can't be known here."""
    notes: list[str] = field(default_factory=list)
    cost: Cost | None = None
    """Examples, tokens and GPU hours: estimates."""
    simulated: Simulated | None = None
    """Its schedule on a cluster, where one was asked for."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        cost = {"cost": self.cost.to_json()} if self.cost else {}
        if self.simulated:
            cost["on_cluster"] = self.simulated.to_json()
        known = {"cached": self.done.phases, "not_known": self.done.to_json()}
        return {**summary(self.plan), **known, **cost, "notes": self.notes}


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What the phases of a sweep have held of GPUs, over all its runs."""

    gpu_hours: float
    by_kind: dict[str, float]
    """Kind of GPU to hours; "" where the sweep asks for none."""
    money: float | None
    """At the sweep's prices; None without."""
    budget_gpu_hours: float | None
    budget_money: float | None


@dataclass(frozen=True)
class Status:
    """The state of a sweep, from its ledger."""

    sweep: str
    counts: dict[str, int]
    total: int
    entries: list[Entry]
    driver: str
    """Which process runs it now; empty where none does."""
    damaged: list[Unreadable]
    """Phases that count as done and have no good record, or lack a file."""
    spent: Spent | None = None
    """GPU hours and money over all runs; None where no phase holds a GPU."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        failures = [
            {"slot": e.slot, "state": e.state, "error": first_line(e.error)}
            for e in self.entries
            if e.state in (State.FAILED, State.BLOCKED)
        ]
        return {
            "sweep": self.sweep,
            "counts": self.counts,
            "total": self.total,
            "driver": self.driver,
            "spent": asdict(self.spent) if self.spent else None,
            "failures": failures,
            "unreadable": [one.to_json() for one in self.damaged],
        }


@dataclass(frozen=True)
class ReportResult:
    """A report that was written."""

    files: dict[str, Path]
    """Its files by name."""
    unreadable: list[Unreadable]
    """What could not be read for it."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {
            "files": {name: str(path) for name, path in self.files.items()},
            "unreadable": [one.to_json() for one in self.unreadable],
        }


@dataclass(frozen=True)
class SubmissionResult:
    """A submission that was written."""

    files: list[Path]
    notes: str
    """What it was made from, and every warning."""
    unreadable: list[Unreadable]
    """What could not be read for it."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {
            "files": [str(path) for path in self.files],
            "notes": self.notes,
            "unreadable": [one.to_json() for one in self.unreadable],
        }


@dataclass(frozen=True)
class TrackResult:
    """How the MLflow mirror was brought up to date."""

    runs: int
    """Runs that were sent."""
    unreadable: list[Unreadable]
    """Phases whose record could not be read: their runs lack results."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {"runs": self.runs, "unreadable": [one.to_json() for one in self.unreadable]}


@dataclass(frozen=True)
class Findings:
    """What `doctor` found."""

    checks: list[Check]

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        findings = [
            {
                "name": c.name,
                "state": c.state,
                "message": c.what,
                "advice": "" if c.ok else c.fix,
            }
            for c in self.checks
        ]
        return {"ok": all(finding["state"] != "fail" for finding in findings), "findings": findings}


@dataclass(frozen=True, kw_only=True)
class InitResult:
    """The sweep file that was written."""

    file: str
    name: str
    models: list[str]
    intermediates: list[str]
    """The baseline first."""
    targets: list[str]
    own: list[dict[str, Any]]
    """What was read off the user's own files."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """What is known of a built-in task without its data."""

    name: str
    format: str
    metric: str
    """The primary one of `metrics`."""
    metrics: list[str]
    source: str
    """Where its rows come from, in words."""
    columns: dict[str, str]
    """Role to the source's column, where their names differ."""
    splits: dict[str, str]
    """Use to the part of the source."""
    rows: dict[str, Size | None]
    """Use to its rows by the card; None where it has none or no card says."""
    languages: list[str]
    """Those that are scored."""
    train_languages: list[str]
    labels: list[str]
    train_task: str | None
    """The task whose rows train it, if not its own."""
    parts: list[str]
    """Of a union."""
    groups: list[str]
    options: dict[str, Any]
    licence: str | None
    obtain: str | None
    """How to get data that can't be downloaded freely."""
    corpus: str
    """The corpus behind it, where that is published under several names."""
    characters: float | None
    """Mean length of an input in English, by the card."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        rows = {use: one.to_json() if one else None for use, one in self.rows.items()}
        return {**vars(self), "rows": rows}


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Where a pair's checkpoint was exported to."""

    pair: str
    model: str
    seed: int
    phase: str
    """Id of the training whose checkpoint it is."""
    evaluation: str
    """Id of the evaluation that scored it."""
    to: str
    """Folder, or address on the hub."""
    model_class: str
    """Class of transformers that opens it with its head."""
    pipeline: str
    files: list[str]
    unreadable: list[Unreadable]
    """What the card lacks because it could not be read: scores of the baseline, intervals."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return {**vars(self), "unreadable": [one.to_json() for one in self.unreadable]}


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    counts: dict[str, int]
    failures: list[dict[str, str]]
    seconds: float
    started: int
    stopped: str
    exit_code: int
    warnings: list[str]
    folder: str
    """The sweep's folder on this machine."""
    copy_of: str = ""
    """The address that `folder` is a copy of, where the store is an object store."""
    pages: str = ""
    """How to open the runs in MLflow."""
    budget: str = ""
    """Which limit of the budget stopped it, with what was used."""
    report: str = ""
    """The report of what there is, where the budget stopped it."""

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        return asdict(self)
