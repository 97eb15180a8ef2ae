"""The names of a sweep that no sweep file was read for: one made in Python, or kept in a store.

A file's names are checked where they stand, with their lines. A `Sweep` that comes another way was
checked by nobody: pydantic holds the pattern of most names, but not whether a task of a name is
there, and `model_copy` holds nothing. Names become parts of paths, so they are looked at again
before anything is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xstilts.errors import Problem, SweepError, nearest, visible
from xstilts.spec.addresses import problem
from xstilts.spec.names import LONGEST_NAME, is_name, strange
from xstilts.spec.server_addresses import refused_address
from xstilts.spec.sweep import BASELINE, Pretraining, Sweep
from xstilts.spec.task import Task

_MUST = f"must be at most {LONGEST_NAME} letters, digits and . _ + -, a letter or digit first"


def sweep(sweep: Sweep) -> None:
    """Raises SweepError with every name that can't be one, and every task that is not there."""
    found = list(problems(sweep))
    if found:
        where = f"sweep {visible(sweep.name)[:LONGEST_NAME]}"
        raise SweepError([Problem(message=message, file=where) for message in found])


def problems(sweep: Sweep) -> Iterator[str]:
    """What is wrong with the names of a sweep, a sentence each."""
    labels = [model.label for model in sweep.models]
    stages = [stage for label in sweep.labels for stage in sweep.stages(label)]
    leaves = [leaf for task in sweep.tasks for leaf in (task, *task.leaves)]
    for what, names in {
        "name": [sweep.name],
        "models": labels,
        "intermediates": [*sweep.labels, *stages],
        "targets": sweep.targets,
        "tasks": [leaf.name for leaf in leaves],
    }.items():
        for name in dict.fromkeys(names):
            if not is_name(name):
                yield f"{what} has {_shown(name)}, which can't be a name; {_MUST}"
    yield from _not_there(sweep, stages)
    for place in (sweep.store, sweep.mirror or ""):
        if wrong := problem(place):
            yield wrong
    for task in sweep.tasks:
        for word in dict.fromkeys(_languages(task)):
            if why := strange(word):
                yield f"task {_shown(task.name)}: the language {_shown(word)} {why}"
    if sweep.tracking and (refused := refused_address(sweep.tracking)):
        yield f"tracking: {refused}"


def _not_there(sweep: Sweep, stages: Iterable[str]) -> Iterator[str]:
    """Names of tasks that `sweep.tasks` lacks."""
    mixtures = {mixture.label for mixture in sweep.mixtures}
    members = [name for mixture in sweep.mixtures for name in mixture.mixture]
    pretrained = [model.task for model in sweep.models if isinstance(model, Pretraining)]
    trained = [task.train_task for task in sweep.tasks if task.train_task is not None]
    wanted = [*pretrained, *stages, *members, *sweep.targets, *trained]
    there = {task.name for task in sweep.tasks}
    for name in dict.fromkeys(wanted):
        if name not in there and name not in mixtures and name != BASELINE:
            yield f"{_shown(name)} is no task in `tasks`{nearest(name, there)}"


def _languages(task: Task) -> Iterator[str]:
    for leaf in (task, *task.leaves):
        yield from leaf.languages
        yield from leaf.train_languages
    for _, kind in task.transform or ():
        yield from getattr(kind, "languages", ())


def _shown(name: str) -> str:
    return f'"{visible(name)[:LONGEST_NAME]}"'
