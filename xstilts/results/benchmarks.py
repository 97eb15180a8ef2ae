"""XTREME and XTREME-R as values: which tasks, by which metric, in which group, and how they make
one number.

A *task score* is the unweighted mean over the task's languages, English included; for question
answering it is (EM + F1) / 2, the metrics `qa_mean` and `mlqa_mean`. The overall score is the
unweighted mean of the *task* scores, not of the groups', and exists only if every task has a score;
a group's score is the mean of its tasks. This follows `evaluate.py` of google-research/xtreme (Hu
et al. 2020, arXiv 2003.11080; Ruder et al. 2021, arXiv 2104.07412); the tests check it against
published rows.

An average over only some of the tasks has a label that says so, and `deviations` lists where a
sweep's tasks differ from the benchmark's: fewer languages, other rows, another metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xstilts.spec.languages import alias
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task


@dataclass(frozen=True, kw_only=True)
class Part:
    """One task of a benchmark."""

    task: str
    """Name of the built-in task."""
    metric: str
    """Official metric; a name in `xstilts.scoring.metrics.METRICS`."""
    group: str


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Tasks whose scores are averaged into one number."""

    title: str
    parts: tuple[Part, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in the order of the paper's table."""
        return tuple(part.task for part in self.parts)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Group to its tasks."""
        names = dict.fromkeys(part.group for part in self.parts)
        return {
            name: tuple(part.task for part in self.parts if part.group == name) for name in names
        }

    def part(self, task: str) -> Part | None:
        """The part for a task; None for a task of no part."""
        return next((part for part in self.parts if part.task == task), None)


def _parts(group: str, *tasks: tuple[str, str]) -> tuple[Part, ...]:
    return tuple(Part(task=task, metric=metric, group=group) for task, metric in tasks)


XTREME = Benchmark(
    title="XTREME",
    parts=(
        *_parts("classification", ("xnli", "accuracy"), ("pawsx", "accuracy")),
        *_parts("structured", ("udpos", "chunk_f1"), ("panx", "chunk_f1")),
        *_parts("QA", ("xquad", "qa_mean"), ("mlqa", "mlqa_mean"), ("tydiqa", "qa_mean")),
        *_parts("retrieval", ("bucc", "mining_f1"), ("tatoeba", "accuracy")),
    ),
)
"""Nine tasks; parts of speech and entities by chunk F1, bitext mining by F1 of pairs."""

XTREME_R = Benchmark(
    title="XTREME-R",
    parts=(
        *_parts("classification", ("xnli", "accuracy"), ("xcopa", "accuracy")),
        *_parts("structured", ("udpos_r", "chunk_f1"), ("panx_r", "chunk_f1")),
        *_parts("QA", ("xquad_r", "qa_mean"), ("mlqa", "mlqa_mean"), ("tydiqa", "qa_mean")),
        *_parts(
            "retrieval", ("lareqa", "map_at_k"), ("mewsli_x", "map_at_k"), ("tatoeba_r", "accuracy")
        ),
    ),
)
"""Ten tasks; question and entity retrieval by mAP@20."""

BENCHMARKS = (XTREME, XTREME_R)


@dataclass(frozen=True, kw_only=True)
class Average:
    """The mean of the available task scores."""

    label: str
    """`XTREME average`, or `mean of 5 of 9 XTREME tasks`, which is no overall score."""
    complete: bool
    value: float | None
    """Percent; None without any task."""
    groups: Mapping[str, float]
    """Means of the groups whose tasks all have a score."""


def of_targets(targets: Sequence[str]) -> Benchmark:
    """The benchmark that has most of the targets (XTREME in a tie); where neither has any, one made
    of the targets.
    """
    best = max(BENCHMARKS, key=lambda one: len({*one.tasks} & {*targets}))
    if {*best.tasks} & {*targets}:
        return best
    return Benchmark(
        title="", parts=tuple(Part(task=name, metric="", group="targets") for name in targets)
    )


def average(scores: Mapping[str, float], benchmark: Benchmark) -> Average:
    """Overall and group means of task scores (task to percent); tasks outside the benchmark are
    ignored.
    """
    there = {name: scores[name] for name in benchmark.tasks if name in scores}
    groups = {
        group: sum(there[name] for name in names) / len(names)
        for group, names in benchmark.groups.items()
        if all(name in there for name in names)
    }
    value = sum(there.values()) / len(there) if there else None
    complete = len(there) == len(benchmark.parts)
    return Average(label=label(there, benchmark), complete=complete, value=value, groups=groups)


def label(tasks: Iterable[str], benchmark: Benchmark) -> str:
    """The name of the mean of these tasks."""
    count = len({*tasks} & {*benchmark.tasks})
    if not benchmark.title:
        return f"mean of {count} of {len(benchmark.parts)} targets"
    if count == len(benchmark.parts):
        return f"{benchmark.title} average"
    return f"mean of {count} of {len(benchmark.parts)} {benchmark.title} tasks"


def official(task: Task, benchmark: Benchmark) -> bool:
    """Whether a task's primary metric is the benchmark's (always, where that has none)."""
    part = benchmark.part(task.name)
    return part is not None and part.metric in ("", task.metric)


def deviations(sweep: Sweep, benchmark: Benchmark) -> list[str]:
    """Where the targets of a sweep differ from what the benchmark scores, a sentence each."""
    from xstilts.tasks import TASKS

    found = []
    for name in sweep.targets:
        task, part = sweep.task(name), benchmark.part(name)
        if part is None:
            found.append(f"{name} is not a task of {benchmark.title} and not in its average")
            continue
        if not official(task, benchmark):
            found.append(
                f"{name} is scored by {task.metric}, not by {part.metric}, and left out of "
                "the average"
            )
        if name in TASKS and benchmark.title:
            found += [f"{name}: {what}" for what in _differences(task, TASKS[name])]
    return found


def _data(task: Task) -> tuple[str | None, str | None, tuple[str, ...] | None, str | None]:
    source = task.source
    return source.hub, source.config, source.files, source.generator


def _differences(task: Task, built_in: Task) -> list[str]:
    found = []
    there = [alias(language, built_in.languages) for language in task.languages]
    shared = {*there} - {None}
    if len(shared) != len(built_in.languages):
        found.append(f"{len(shared)} of its {len(built_in.languages)} languages")
    others = [one for one, name in zip(task.languages, there, strict=True) if name is None]
    if others:
        found.append(f"{', '.join(others)} in its mean, which the benchmark has not")
    twice = sorted(one for one in shared if one and there.count(one) > 1)
    if twice:
        found.append(f"{', '.join(twice)} under several names, each of which counts")
    if _data(task) != _data(built_in):
        found.append("reads other data than the benchmark's")
    if task.limits.test is not None:
        found.append(f"at most {task.limits.test:,} test rows a language")
    if task.splits.test != built_in.splits.test:
        found.append(f"scored on {task.splits.test} instead of {built_in.splits.test}")
    return found
