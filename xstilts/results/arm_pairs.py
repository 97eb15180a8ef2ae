"""Which intermediates of a sweep are arms of one task and are compared with each other. The sweep
alone decides it.

    transform  a task with a transform, against the same rows without it
    control    a transformed task, against the same rows in invented words: is it the language, or
               only other words?
    masked_lm  a mixture of one task and masked LM, against that task alone
    mixed      two mixtures of the same tasks
    member     a mixture, against one of its tasks alone
    chain      a chain, against its last stage alone and against its first alone

Two tasks are the same if everything that decides their training is the same, whatever their names.
Their settings may differ; the pair then says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from xstilts.spec.described import rates, transforms
from xstilts.spec.digests import canonical_json
from xstilts.spec.hyperparameters import Choice, Hyperparameters, LogRange, Space
from xstilts.spec.sweep import BASELINE, Mixture, Sweep
from xstilts.spec.task import Task, training_payload
from xstilts.spec.transforms import Transform

Kind = Literal["transform", "control", "masked_lm", "mixed", "member", "chain"]
QUESTIONS: Mapping[Kind, str] = {
    "transform": "Other rows of one task: translated, code-switched, in invented words",
    "control": "The language, or only other words? Against invented words",
    "masked_lm": "With and without masked LM",
    "mixed": "The same tasks, mixed differently",
    "member": "A mixture and one of its tasks alone",
    "chain": "One after the other, or one stage alone",
}
"""The question that each kind of pair asks, in the order of the report."""
SHOWN = ("lr", "steps", "batch_size")
"""Settings whose values are shown where they differ; of others only the name is shown."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two intermediates that are compared: the arm, and its reference."""

    kind: Kind
    arm: str
    reference: str
    what: str
    """How the arm differs from the reference, in a few words."""
    settings: tuple[str, ...]
    """Settings that differ, as `lr 5e-06 instead of 1e-05`."""

    @property
    def summary_line(self) -> str:
        """`what` and `settings` in one line."""
        return "; ".join(filter(None, (self.what, *self.settings)))


def pairs(sweep: Sweep) -> tuple[Pair, ...]:
    """The pairs of a sweep, in the order of `QUESTIONS`. Two intermediates are compared once, under
    the first kind that they are of.
    """
    kind: Kind
    found: dict[tuple[str, str], Pair] = {}
    for kind in QUESTIONS:
        for arm, reference in _KINDS[kind](sweep):
            if (arm, reference) not in found:
                found[arm, reference] = Pair(
                    kind=kind,
                    arm=arm,
                    reference=reference,
                    what=_what(sweep, kind, arm, reference),
                    settings=tuple(_settings(sweep, kind, arm, reference)),
                )
    return tuple(found.values())


def _transformed(sweep: Sweep) -> Iterator[tuple[str, str]]:
    singles, rows = _singles(sweep), _rows(sweep)
    plain = [name for name, task in singles.items() if not _transforms(task)]
    for arm in singles:
        if arm not in plain:
            yield from ((arm, name) for name in plain if rows[name] == rows[arm])


def _controls(sweep: Sweep) -> Iterator[tuple[str, str]]:
    singles, rows = _singles(sweep), _rows(sweep)
    transformed = {name: own for name, task in singles.items() if (own := _transforms(task))}
    invented = [name for name, own in transformed.items() if all(one.pseudo for one in own)]
    for arm in transformed:
        if arm not in invented:
            yield from ((arm, name) for name in invented if rows[name] == rows[arm])


def _with_masked_lm(sweep: Sweep) -> Iterator[tuple[str, str]]:
    for mixture in _mixtures(sweep):
        members = [sweep.task(name) for name in mixture.mixture]
        others = [task for task in members if not task.spec.language_model]
        if len(others) == 1 < len(members):
            yield from _alone(sweep, mixture, others)


def _remixed(sweep: Sweep) -> Iterator[tuple[str, str]]:
    members = {
        mixture.label: sorted(_key(sweep.task(name)) for name in mixture.mixture)
        for mixture in _mixtures(sweep)
    }
    for reference, arm in combinations(members, 2):
        if members[arm] == members[reference]:
            yield arm, reference


def _members(sweep: Sweep) -> Iterator[tuple[str, str]]:
    for mixture in _mixtures(sweep):
        yield from _alone(sweep, mixture, [sweep.task(name) for name in mixture.mixture])


def _chained(sweep: Sweep) -> Iterator[tuple[str, str]]:
    for label in sweep.labels:
        stages = sweep.stages(label)
        if len(stages) > 1:
            yield from ((label, stages[at]) for at in (-1, 0) if stages[at] in sweep.labels)


_KINDS = {
    "transform": _transformed,
    "control": _controls,
    "masked_lm": _with_masked_lm,
    "mixed": _remixed,
    "member": _members,
    "chain": _chained,
}


def _alone(sweep: Sweep, mixture: Mixture, members: Sequence[Task]) -> Iterator[tuple[str, str]]:
    """The mixture against each single intermediate that is one of these members."""
    wanted = [_key(member) for member in members]
    yield from (
        (mixture.label, name) for name, task in _singles(sweep).items() if _key(task) in wanted
    )


def _singles(sweep: Sweep) -> dict[str, Task]:
    return {
        name: sweep.task(name)
        for name in sweep.intermediates
        if isinstance(name, str) and name != BASELINE
    }


def _mixtures(sweep: Sweep) -> list[Mixture]:
    return [one for one in sweep.intermediates if isinstance(one, Mixture)]


def _rows(sweep: Sweep) -> dict[str, str]:
    """Single intermediates to a text that is equal where their rows are equal before transforms."""
    return {name: _key(_bare(task)) for name, task in _singles(sweep).items()}


def _transforms(task: Task) -> list[Transform]:
    """The transforms of its rows, or of the rows of its parts."""
    return [one.transform for one in (task, *task.parts) if one.transform is not None]


def _bare(task: Task) -> Task:
    """The task without its transforms."""
    return task.model_copy(
        update={"transform": None, "parts": tuple(_bare(one) for one in task.parts)}
    )


def _key(task: Task) -> str:
    """Equal where two tasks train on the same rows in the same way. A training's payload leaves out
    the names of files, so they are added.
    """
    files = [
        (one.source.files, one.transform and one.transform.model_dump(mode="json"))
        for one in (task, *task.parts)
    ]
    return canonical_json([training_payload(task), files])


def _what(sweep: Sweep, kind: Kind, arm: str, reference: str) -> str:
    if kind == "chain":
        return f"{', then '.join(sweep.stages(arm))}; other number of updates"
    mixture, other = sweep.mixture(arm), sweep.mixture(reference)
    if mixture is None:
        return transforms([sweep.task(arm)])
    if kind != "mixed" or other is None:
        return f"rates: {rates(mixture.rates)}"
    heads = (
        "" if mixture.heads == other.heads else f"; {mixture.heads} heads instead of {other.heads}"
    )
    return f"rates: {rates(mixture.rates)} instead of {rates(other.rates)}{heads}"


def _settings(sweep: Sweep, kind: Kind, arm: str, reference: str) -> Iterator[str]:
    """Settings in which two intermediates differ; none for a chain, whose stage is trained as the
    reference is.
    """
    if kind == "chain":
        return
    mine, other = (sweep.settings("intermediate", name) for name in (arm, reference))
    values = {
        name: [
            field.default if (value := getattr(side, name)) is None else value
            for side in (mine, other)
        ]
        for name, field in Hyperparameters.model_fields.items()
    }
    differing = {name: both for name, both in values.items() if both[0] != both[1]}
    if kind == "member" and {*differing} & {"steps", "batch_size"}:
        yield "other number of updates"
    for name in (name for name in SHOWN if name in differing):
        yield f"{name} {_written(differing[name][0])} instead of {_written(differing[name][1])}"
    if others := [name for name in differing if name not in SHOWN]:
        yield f"other {', '.join(others)}"


def _written(value: Space | float | str) -> str:
    if isinstance(value, Choice):
        return f"one of {', '.join(_written(one) for one in value.choice)}"
    if isinstance(value, float | int | str):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    low, high = value.log if isinstance(value, LogRange) else value.int
    return f"{_written(low)} to {_written(high)}"
