"""The result of a search for leaks, in lines and as a value that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from xstilts.checks.audit.fingerprints import Kind

_SEE = "xstilts check SWEEP"


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Evaluation rows of one target in the training rows of one task."""

    training: str
    """The task with the training rows."""
    target: str
    kind: Kind
    rows: Mapping[str, int]
    """Language to the number of evaluation rows that were found."""
    of: Mapping[str, int]
    """Language to the number of all its evaluation rows."""
    own: bool = False
    """Whether the training task is the target's own."""
    severity: Literal["warn", "note"] = "warn"
    """`note` if every match is a single text and is below 1% of the rows in every language."""
    examples: tuple[str, ...] = ()
    """A few of the rows, shortened."""

    @property
    def share(self) -> float:
        """Share of the evaluation rows, in the language where it is largest."""
        return max(n / self.of[language] for language, n in self.rows.items())

    @property
    def message(self) -> str:
        """The leak in one line."""
        worst = sorted(self.rows, key=lambda language: -self.rows[language] / self.of[language])
        counts = [f"{one} {_counted(self.rows[one], self.of[one])}" for one in worst[:4]]
        rest = len(worst) - 4
        more = f" and {rest} more language{'s' if rest > 1 else ''}" if rest > 0 else ""
        what = "are, apart from their labels," if self.kind == "row" else "have a text that is also"
        whose = "its own training rows" if self.own else f"the training rows of {self.training}"
        whose += f" ({self.training})" if self.own and self.training != self.target else ""
        return f"evaluation rows of {self.target} {what} in {whose}: {', '.join(counts)}{more}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "training": self.training,
            "target": self.target,
            "kind": self.kind,
            "own": self.own,
            "severity": self.severity,
            "rows": dict(self.rows),
            "of": dict(self.of),
            "share": round(self.share, 6),
            "examples": list(self.examples),
            "message": self.message,
        }


def _counted(rows: int, of: int) -> str:
    share = 100 * rows / of
    return (
        f"{rows:,} of {of:,} ({share:.0f}%)"
        if share >= 10
        else f"{rows:,} of {of:,} ({share:.2g}%)"
    )


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """An intermediate that shares training rows with a target's own training."""

    training: str
    target: str
    own: str
    """The target's own training task."""
    rows: int
    """Number of rows of `own` that `training` has too."""
    of: int
    """Number of rows of `own` that are long enough to be compared."""
    transformed: bool = False
    """Whether `training` has a transform."""

    @property
    def message(self) -> str:
        """The repeat in one line."""
        counts = _counted(self.rows, self.of)
        whose = self.target if self.own == self.target else f"{self.target} ({self.own})"
        before = ", before its transform" if self.transformed else ""
        return (
            f"{counts} training rows of {whose} are also training rows of {self.training}{before}"
        )


@dataclass(frozen=True, kw_only=True)
class LeakReport:
    """The result of a search for leaks."""

    leaks: list[Leak] = field(default_factory=list)
    """The largest share first."""
    repeats: list[Repeat] = field(default_factory=list)
    """Repeats of at least 1% of a target's own training rows."""
    pairs: int = 0
    """Number of pairs of a training task and a target that were compared."""
    skipped: list[str] = field(default_factory=list)
    """What could not be compared, and why."""

    def warnings(self) -> list[str]:
        """A line for all leaks that are no note, and one for all that was not compared."""
        certain = [leak for leak in self.leaks if leak.severity == "warn"]
        lines = [f"leak: {leak.message}" for leak in certain]
        if len(certain) > 1:
            lines = [_summed_up(certain)]
        skipped = [f"leaks were not looked for in {what}" for what in self.skipped]
        if len(skipped) > 1:
            more = len(skipped) - 1
            skipped = [f"{skipped[0]}; nor in {more} more: `{_SEE}` lists them"]
        return [*lines, *skipped]

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        repeats = [{**asdict(repeat), "message": repeat.message} for repeat in self.repeats]
        return {
            "pairs": self.pairs,
            "found": [leak.to_json() for leak in self.leaks],
            "repeats": repeats,
            "skipped": self.skipped,
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> LeakReport:
        """A report that was complete; KeyError, TypeError or ValueError where it is none."""
        if value["skipped"]:
            raise ValueError("not complete")
        leaks = [_without(leak, "share", "message") for leak in value["found"]]
        repeats = [_without(repeat, "message") for repeat in value["repeats"]]
        return cls(
            leaks=[Leak(**{**leak, "examples": tuple(leak["examples"])}) for leak in leaks],
            repeats=[Repeat(**repeat) for repeat in repeats],
            pairs=int(value["pairs"]),
        )


def _summed_up(leaks: Sequence[Leak]) -> str:
    """Several leaks in one line, with the worst."""
    targets = list(dict.fromkeys(leak.target for leak in leaks))
    shown = ", ".join(targets[:4]) + (f" and {len(targets) - 4} more" if len(targets) > 4 else "")
    worst = max(leaks, key=lambda leak: leak.share)
    where = "its own training rows" if worst.own else f"the training rows of {worst.training}"
    return (
        f"leaks: evaluation rows of {shown} are also in training rows, at worst "
        f"{100 * worst.share:.2g}% ({worst.target} in {where}); `{_SEE}` lists all {len(leaks)}"
    )


def _without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name not in names}
