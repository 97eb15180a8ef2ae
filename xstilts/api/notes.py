"""What a reader of a sweep's results should know although it is no mistake, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from xstilts.planning import Plan, fewest_steps
from xstilts.planning.filling import trained_tasks
from xstilts.spec.sweep import Pretraining, Sweep

if TYPE_CHECKING:
    from xstilts.checks.audit.revisions import Read
    from xstilts.sources.context import DataContext


# -- from the plan


def of_plan(plan: Plan) -> list[str]:
    """Notes that need only the plan, such as splits cut out of others, or data used twice."""
    return [
        *_cut_splits(plan),
        *_trained_twice(plan.sweep),
        *_lone_heads(plan.sweep),
        *_method(plan.sweep),
        *_tags(plan),
    ]


def _cut_splits(plan: Plan) -> Iterator[str]:
    trains, targets = trained_tasks(plan), plan.sweep.targets
    for name in dict.fromkeys([*trains, *targets]):
        task = plan.sweep.task(name)
        read = {
            *(task.uses("train") if name in trains else ()),
            *(task.uses("evaluate") if name in targets else ()),
        }
        for use, expression in task.splits:
            if use in read and expression and "[" in expression:
                yield f"{name}: {use} is cut out of another split: {expression}"
        if name in targets and task.splits.dev and task.splits.dev == task.splits.test:
            yield f"{name}: the development split is also the reported one ({task.splits.dev})"


def _tags(plan: Plan) -> Iterator[str]:
    """Tags that a metric of chunks can't read as positions and types."""
    from xstilts.data import tag_notes

    for name in dict.fromkeys([*trained_tasks(plan), *plan.sweep.targets]):
        told = tag_notes.unprefixed(plan.sweep.task(name))
        if told:
            yield told


def _trained_twice(sweep: Sweep) -> Iterator[str]:
    """Intermediates on which targets are trained, too."""
    before = {name for label in sweep.labels for name in sweep.members(label)}
    trained: dict[str, list[str]] = {}
    for target in sweep.targets:
        trained.setdefault(sweep.task(target).train_task or target, []).append(target)
    for name, targets in trained.items():
        if name in before:
            yield f"{name} is an intermediate and the training data of {', '.join(targets)}"


def _lone_heads(sweep: Sweep) -> Iterator[str]:
    """Mixtures with shared heads but no two members that can share one."""
    for mixture in sweep.mixtures:
        if mixture.heads == "shared":
            tasks = [sweep.task(name) for name in mixture.mixture]
            if not any(one.alike(other) for one, other in combinations(tasks, 2)):
                yield (
                    f"{mixture.label}: heads are shared, but no two members have one format and "
                    "the same labels"
                )


def _method(sweep: Sweep) -> Iterator[str]:
    if sweep.search.selection == "oracle":
        yield "selection: oracle chooses by target-language scores; the results are not zero-shot"
    for model in sweep.models:
        if isinstance(model, Pretraining):
            yield f"{model.name} is pretrained from its configuration first"


# -- from the data


def of_data(plan: Plan, reads: list[Read], context: DataContext) -> list[str]:
    """Notes that need the data: revisions that can't be verified, members without an update, and
    results of transforms in earlier runs.
    """
    from xstilts.data import transforms

    told = (transforms.summary_line(plan.sweep.task(name), context) for name in trained_tasks(plan))
    return [*_pinned(reads), *_never_trained(plan.sweep, context), *(one for one in told if one)]


def _never_trained(sweep: Sweep, context: DataContext) -> Iterator[str]:
    """Members of a mixture that get no update at their rate, with the fewest steps that the sweep
    allows.
    """
    from xstilts.data import task_data
    from xstilts.spec.rates import unserved

    for mixture in sweep.mixtures:
        rows = [
            task_data.sizes(sweep.task(name), "train", None, context) for name in mixture.mixture
        ]
        steps = fewest_steps(sweep.settings("intermediate", mixture.label))
        for name, updates in unserved(rows, mixture.rates, mixture.mixture, steps).items():
            has = f"{updates:.2g} of {steps:,} updates by its rate, so none"
            yield (
                f"{mixture.label}: {name} has {has}: it is never trained; raise its rate, or "
                "the steps"
            )


def _pinned(reads: list[Read]) -> Iterator[str]:
    """Pinned revisions that a mirror can't confirm, except that of the hub's Parquet copy."""
    from xstilts.sources.hub import CONVERTED

    unsure = {
        r.task: r.asked
        for r in reads
        if r.kind == "content" and r.asked not in ("", "main", CONVERTED)
    }
    for task, asked in unsure.items():
        yield (
            f"{task} asks for revision {asked}; a mirror does not say which revision it has, "
            "its data is identified by content"
        )


def lost_rows(sweep: Sweep, context: DataContext) -> Iterator[str]:
    """Results of transforms that dropped rows: such an arm has fewer rows than the others."""
    from xstilts.data import transforms

    for task in sweep.tasks:
        facts = transforms.facts(task, context)
        if facts and facts["dropped"]:
            yield transforms.summary_line(task, context)
