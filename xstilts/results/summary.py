"""What a report says, as plain values without markup: verdicts, budgets, failures, provenance.

A verdict follows from a pair's mean gain over all languages and its Holm-corrected p-value: `gain`,
`loss` (negative transfer), or `open` (no significant difference from the baseline). A pair that
failed has no verdict; it is listed among the failures, which are not results about transfer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xstilts.errors import StoreError
from xstilts.results.moderated import EXAMPLES
from xstilts.results.unreadable import NOT_READABLE, Lost
from xstilts.spec.sweep import Sweep, chain_label
from xstilts.store.doubts import Doubt
from xstilts.store.ledger import Entry, State
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
"""Significance level after Holm's correction."""
Verdict = Literal["gain", "loss", "open"]


@dataclass(frozen=True, kw_only=True)
class Searched:
    """The search of one study: its trials and what it chose."""

    name: str
    model: str
    intermediate: str
    targets: tuple[str, ...]
    """Targets that share this training; empty for the study of an intermediate."""
    trials: Mapping[int, Entry]
    """Trial number to its slot; of a joint trial the target's."""
    chosen: Entry | None

    @property
    def counts(self) -> Counter[str]:
        """Number of trials by how they ended; `cached` counts as `done`."""
        return Counter(
            State.DONE if entry.state.finished else entry.state for entry in self.trials.values()
        )


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A pair that lacks some of its scores."""

    model: str
    intermediate: str
    target: str
    seeds: str
    """`1 of 3`."""
    reason: str


def verdict(row: Mapping[str, Any]) -> Verdict:
    """The verdict on a row of the gains."""
    if not row["p_holm"] <= LEVEL:
        return "open"
    return "gain" if row["gain"] > 0 else "loss"


def overall(gains: pd.DataFrame) -> str:
    """One sentence about all pairs."""
    means = gains[gains["level"] == "mean"].to_dict("records")
    if not means:
        return (
            "There is no gain to report: no pair and its baseline `none` have both been evaluated."
        )
    counts = Counter(verdict(row) for row in means)  # type: ignore[arg-type]
    if all(row["interval_over"] == EXAMPLES for row in means):
        return (
            f"Nothing is tested: no pair of {len(means)} has two seeds, so nothing is known of "
            f"other seeds. Intervals are over {EXAMPLES}."
        )
    if not counts["gain"] and not counts["loss"]:
        if len(means) == 1:
            which = "The one pair does not differ significantly"
        else:
            which = f"No pair of {len(means)} differs significantly"
        return f"{which} from its baseline at {LEVEL:.0%} after Holm's correction."
    up, down = _verb(counts["gain"], "gain"), _verb(counts["loss"], "lose")
    return (
        f"Of {_count(len(means), 'pair')}, {up} significantly, {down} significantly (negative "
        f"transfer), and {_verb(counts['open'], 'do')} not differ significantly from the baseline "
        f"({LEVEL:.0%}, Holm-corrected)."
    )


def searches(entries: Sequence[Entry], chosen: Mapping[str, str]) -> list[Searched]:
    """Every study in the ledger. A trial of a joint study has several phases and counts once, with
    its target's phase.
    """
    trials: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        if (
            entry.study
            and entry.role == "trial"
            and entry.kind != "evaluate"
            and entry.trial is not None
        ):
            of_study = trials.setdefault(entry.study, {})
            if entry.kind == "target" or entry.trial not in of_study:
                of_study[entry.trial] = entry
    found = []
    for name, of_study in trials.items():
        first = next(
            (e for e in of_study.values() if e.kind == "target"), next(iter(of_study.values()))
        )
        best = next((e for e in entries if e.slot == chosen.get(name)), None)
        found.append(
            Searched(
                name=name,
                model=first.model,
                intermediate=first.intermediate or first.task,
                trials=of_study,
                targets=tuple(first.target.split(",")) if first.target else (),
                chosen=best,
            )
        )
    return found


def budget(found: Sequence[Searched]) -> tuple[bool, str]:
    """Whether every pair got the same number of trials, and a sentence with the counts."""
    pairs = Counter(len(s.trials) for s in found if s.targets)
    before = Counter(len(s.trials) for s in found if not s.targets)
    parts = [
        f"{_count(number, kind)} with {_count(trials, 'trial')} each"
        for kind, counts in (("pair", pairs), ("intermediate", before))
        for trials, number in sorted(counts.items())
    ]
    fair = len(pairs) <= 1 and len(before) <= 1
    if not parts:
        return True, "Nothing was searched."
    if fair:
        return True, f"Every pair, the baseline included, got the same budget: {', '.join(parts)}."
    return False, (
        f"The budgets are not equal ({', '.join(parts)}): a pair with more trials has an "
        "advantage. Running the sweep again completes the others."
    )


def failures(entries: Iterable[Entry]) -> list[Entry]:
    """Slots that failed for good, with their errors; the pairs they block are `missing`."""
    return [entry for entry in entries if entry.state == State.FAILED]


def by_task(doubts: Iterable[Doubt]) -> dict[str, list[str]]:
    """Task to what is doubtful about its data, each once."""
    found: dict[str, list[str]] = {}
    for doubt in dict.fromkeys(doubts):
        found.setdefault(doubt.task, []).append(doubt.message)
    return found


def missing(
    sweep: Sweep, entries: Sequence[Entry], scores: pd.DataFrame, lost: Lost
) -> list[Missing]:
    """Pairs of the sweep that lack final scores for some or all seeds, and why."""
    there = Counter(
        zip(
            *(
                scores.drop_duplicates(["model", "intermediate", "target", "seed"])[c]
                for c in ("model", "intermediate", "target")
            ),
            strict=True,
        )
    )
    found = []
    for model in _models(sweep):
        for intermediate in sweep.labels:
            for target in sweep.targets:
                have = there[model, intermediate, target]
                if have < len(sweep.seeds):
                    own = [e for e in entries if e.model == model]
                    unread = sorted(lost.get((model, intermediate, target), ()))
                    reasons = [f"seed {seed}: {NOT_READABLE}" for seed in unread]
                    if have + len(unread) < len(sweep.seeds):
                        reasons.append(_reason(own, sweep, intermediate, target))
                    found.append(
                        Missing(
                            model=model,
                            intermediate=intermediate,
                            target=target,
                            seeds=f"{have} of {len(sweep.seeds)}",
                            reason="; ".join(reasons),
                        )
                    )
    return found


def _models(sweep: Sweep) -> list[str]:
    return [str(getattr(model, "label", None) or model.name) for model in sweep.models]


def _reason(entries: Sequence[Entry], sweep: Sweep, intermediate: str, target: str) -> str:
    """The worst that happened in the trainings that this pair needs."""
    stages = sweep.stages(intermediate)
    leading = {chain_label(stages[:number]) for number in range(1, len(stages) + 1)}
    own = [e for e in entries if e.intermediate == intermediate and target in e.target.split(",")]
    way = own + [
        e
        for e in entries
        if e.kind == "pretrain" or (e.kind == "intermediate" and e.intermediate in leading)
    ]
    states = {entry.state for entry in way if entry.role == "final" or entry.state == State.FAILED}
    for state, reason in (
        (State.FAILED, "a phase failed"),
        (State.BLOCKED, "blocked by a failed phase"),
        (State.RUNNING, "still running"),
        (State.WAITING, "not run yet"),
    ):
        if state in states:
            return reason
    return "not run yet"


def provenance(store: Store, entries: Sequence[Entry]) -> dict[str, Any]:
    """Versions, devices, hours and dates of all phases of the sweep, from their records."""
    values: dict[str, set[str]] = {
        "device": set(),
        "workers": set(),
        "threads": set(),
        "host": set(),
    }
    versions: dict[str, set[str]] = {}
    seconds, dates, read = 0.0, [], 0
    for phase in dict.fromkeys(e.phase for e in entries if e.phase and e.state.finished):
        try:
            ran = store.phase(phase).record().provenance
        except StoreError:
            continue  # the table of scores reports a damaged record
        read += 1
        seconds += ran.seconds
        dates += [ran.started, ran.ended]
        for name, version in ran.versions.items():
            versions.setdefault(name, set()).add(version)
        for name, seen in values.items():
            seen.add(str(getattr(ran, name)))
    states = Counter(entry.state for entry in entries)
    return {
        "phases": read,
        "hours": seconds / 3600,
        "states": dict(states),
        "hosts": len(values.pop("host")),
        "versions": {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
        "first": min(dates, default=""),
        "last": max(dates, default=""),
        **{name: ", ".join(sorted(found)) for name, found in values.items()},
    }


def _verb(number: int, verb: str) -> str:
    return f"{number} {verb}{('es' if verb == 'do' else 's') if number == 1 else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
