"""Rules that types can't express, for a whole sweep: names, roles and settings that must go
together.

Each rule notes its problems in the document and goes on. Its values are clean or `WRONG`; a problem
of a `WRONG` value has been noted already, so rules skip it and each mistake is reported once. No
rule looks at data, models or machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xstilts.errors import nearest
from xstilts.spec.addresses import problem
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.hyperparameters import Choice, IntRange, LogRange, Settings
from xstilts.spec.names import is_name, strange
from xstilts.spec.server_addresses import refused_address
from xstilts.spec.sweep import (
    BASELINE,
    Chain,
    Mixture,
    Model,
    Pretraining,
    Resources,
    chain_label,
)
from xstilts.spec.task import Task, Use
from xstilts.sweep_file import mixture_rules, resource_rules
from xstilts.sweep_file.hints import WRONG, Wrong
from xstilts.sweep_file.yaml_document import Document, Path, path_text

Table = Mapping[str, Task | Wrong]


def sweep(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    """Applies all rules that need more than one part of a sweep."""
    uses = list(_uses(clean))
    known = [(path, name, role) for path, name, role in uses if _known(document, path, name, table)]
    for path, name, role in known:
        if isinstance(table[name], Task):
            _usable(document, path, table[name], role, table)  # type: ignore[arg-type]
    _models(document, clean)
    for path, stage in _stages(clean):
        if isinstance(stage, Mixture):
            mixture_rules.mixture(document, stage, path, table)
    _chains(document, clean, table)
    _mixture_names(document, clean)
    _duplicates(document, clean)
    _tracking(document, clean)
    _overrides(document, clean, table)
    _grid(document, clean)
    _resources(document, clean, table)
    resource_rules.gpus(document, clean)
    resource_rules.budget(document, clean)
    _addresses(document, clean)


def used_tasks(clean: Mapping[str, Any], table: Table) -> list[str]:
    """Names of the tasks a sweep uses, training tasks included, in the order of their first use;
    names that no task has are left out: they have been noted.
    """
    names: dict[str, None] = {}
    for _, name, _ in _uses(clean):
        names[name] = None
        task = table.get(name)
        if isinstance(task, Task) and task.train_task:
            names[task.train_task] = None
    return [name for name in names if name in table]


def _items(clean: Mapping[str, Any], key: str) -> Iterator[tuple[Path, Any]]:
    """The clean items of a list, each with its path."""
    values = clean.get(key)
    for i, value in enumerate(values if isinstance(values, list | tuple) else ()):
        if value is not WRONG:
            yield (key, i), value


def _uses(clean: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """`(path, task name, role)` of every mention of a task."""
    for path, model in _items(clean, "models"):
        if isinstance(model, Pretraining):
            yield (*path, "task"), model.task, "pretraining"
    for path, stage in _stages(clean):
        if isinstance(stage, Mixture):
            for i, name in enumerate(stage.mixture):
                yield (*path, "mixture", i), name, "intermediate"
        else:
            yield path, stage, "intermediate"
    for path, name in _items(clean, "targets"):
        yield path, name, "target"


def _stages(clean: Mapping[str, Any]) -> Iterator[tuple[Path, str | Mixture]]:
    """What intermediates are trained on: tasks, mixtures, and the stages of chains."""
    for path, item in _items(clean, "intermediates"):
        if isinstance(item, Chain):
            yield from (((*path, "chain", i), stage) for i, stage in enumerate(item.chain))
        elif item != BASELINE:
            yield path, item


def _known(document: Document, path: Path, name: str, table: Table) -> bool:
    if name in table:
        return True
    if name == BASELINE:
        document.complain(
            path, f'{path_text(path)} is "{BASELINE}"; the baseline can only be an intermediate'
        )
    else:
        hint = nearest(name, (other for other, task in table.items() if task is not WRONG))
        own = "a task of your own is described under tasks:"
        document.complain(path, f'{path_text(path)} is "{name}", which is no task{hint} ({own})')
    return False


def _usable(document: Document, path: Path, task: Task, role: str, table: Table) -> None:
    """Notes a task that can't play its role."""

    def complain(message: str) -> None:
        document.complain(path, f'{path_text(path)} is "{task.name}"; {message}')

    if task.train_task is not None and task.train_task not in table:
        hint = nearest(task.train_task, table)
        complain(f'its train_task is "{task.train_task}", which is no task{hint}')
        return
    if role == "target" and not task.has("test"):
        complain(f"it has no test split; give tasks.{task.name}.splits.test")
    if not task.trainable:
        if role != "target":
            complain(f"{task.format} is not trained, so it can only be a target")
        return
    if role == "pretraining" and not task.spec.language_model:
        kinds = " or ".join(spec.name for spec in FORMATS.values() if spec.language_model)
        complain(f"a pretraining needs a {kinds} task, this is {task.format}")
        return
    source: Task | Wrong | None = task
    if role == "target" and task.train_task is not None:
        source = table[task.train_task]
        if isinstance(source, Task) and not source.alike(task):
            complain(f"its train_task {source.name} must have the same format and labels")
    if not isinstance(source, Task):
        return
    uses: tuple[Use, ...] = ("train", "dev")
    missing = [use for use in uses if not source.has(use)]
    if missing:
        instead = (
            f"; take its training task {task.train_task}"
            if role != "target" and task.train_task
            else ""
        )
        need = " and ".join(f"splits.{use}" for use in missing)
        complain(f"{source.name} cannot be trained on without {need}{instead}")


def _models(document: Document, clean: Mapping[str, Any]) -> None:
    for path, model in _items(clean, "models"):
        where = path_text(path)
        if isinstance(model, Model) and not model.id.strip():
            must = "must be an id of the hub or of a mirror, or a folder with a saved model"
            document.complain(path, f"{where}: the id is empty; {must}")
        elif isinstance(model, Model) and not is_name(model.label):
            document.complain(
                path, f'{where}: "{model.label}" is not a valid name for tables; give it a `name`'
            )
        if isinstance(model, Model) and any(map(strange, model.revision.split("/"))):
            must = "must be a branch, tag or commit"
            document.complain(
                (*path, "revision"), f'{where}.revision is "{model.revision}"; {must}'
            )
        if isinstance(model, Pretraining):
            if not isinstance(model.config.get("model_type"), str):
                must = "must name a transformers architecture, such as xlm-roberta"
                document.complain(
                    (*path, "config"), f"{where}.config.model_type is missing; {must}"
                )
            for name, value in model.settings.given().items():
                if isinstance(value, Choice | LogRange | IntRange):
                    message = (
                        f"{where}.settings.{name} is a search space; a pretraining has fixed "
                        "settings"
                    )
                    document.complain((*path, "settings", name), message)


def _labels(clean: Mapping[str, Any], key: str) -> Iterator[tuple[Path, str]]:
    for path, item in _items(clean, key):
        labelled = isinstance(item, Mixture | Chain | Model | Pretraining)
        yield path, item.label if labelled else str(item)


def _chains(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    """Names of chains: not those of tasks or mixtures, and not too long."""
    taken = {stage.label for _, stage in _stages(clean) if isinstance(stage, Mixture)} | {*table}
    for path, item in _items(clean, "intermediates"):
        if not isinstance(item, Chain):
            continue
        where = path_text(path)
        begun = {chain_label(item.stages[:n]) for n in range(2, len(item.stages) + 1)}
        if clash := sorted({item.label, *begun} & {*taken, BASELINE}):
            message = f'{where}: "{clash[0]}" is the name of a task or mixture'
            document.complain(path, f"{message}; give that, or the chain, another name")
        elif not is_name(item.label):
            message = f"{where}: its name would be {len(item.label)} characters long"
            document.complain(path, f"{message}; must be at most 64, so give it a `name`")


def _mixture_names(document: Document, clean: Mapping[str, Any]) -> None:
    """One name, one mixture: the stages of chains included."""
    first: dict[str, tuple[Path, Mixture]] = {}
    for path, stage in _stages(clean):
        if not isinstance(stage, Mixture):
            continue
        where, known = first.setdefault(stage.label, (path, stage))
        if known.model_copy(update={"name": None}) != stage.model_copy(update={"name": None}):
            message = f'{path_text(path)}: "{stage.label}" is the name of another mixture'
            at = path_text(where)
            document.complain(path, f"{message}, {at}; give one of them another `name`")


def _duplicates(document: Document, clean: Mapping[str, Any]) -> None:
    lists = [list(_labels(clean, key)) for key in ("models", "intermediates", "targets", "seeds")]
    for path, item in _stages(clean):
        if isinstance(item, Mixture):
            lists.append([((*path, "mixture", i), name) for i, name in enumerate(item.mixture)])
    for labels in lists:
        first: dict[str, Path] = {}
        for path, label in labels:
            if label in first:
                message = (
                    f'{path_text(path)} is "{label}" again (first: {path_text(first[label])}); '
                    "keep one"
                )
                document.complain(path, message)
            first.setdefault(label, path)


def _overrides(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    given = clean.get("overrides")
    chains = {i.label: i for _, i in _items(clean, "intermediates") if isinstance(i, Chain)}
    names = {stage.label if isinstance(stage, Mixture) else stage for _, stage in _stages(clean)}
    names |= {label for _, label in _labels(clean, "targets")}
    for name in given if isinstance(given, dict) else ():
        if name in names:
            continue
        trained = [
            t
            for _, t in _labels(clean, "targets")
            if getattr(table.get(t), "train_task", None) == name
        ]
        if name in chains:
            hint = (
                f"; to set how a chain is trained, name a stage: {', '.join(chains[name].stages)}"
            )
        elif trained:
            hint = f"; to set how a target is trained, name it: {', '.join(trained)}"
        else:
            hint = nearest(name, names)
        what = "no training" if name in chains else "no intermediate or target"
        message = f'overrides has "{name}", which is {what} of this sweep{hint}'
        document.complain(("overrides", name), message)


def _grid(document: Document, clean: Mapping[str, Any]) -> None:
    if getattr(clean.get("search"), "sampler", None) != "grid":
        return
    places: dict[Path, Any] = {(kind,): clean.get(kind) for kind in ("intermediate", "target")}
    overrides = clean.get("overrides")
    for name, value in overrides.items() if isinstance(overrides, dict) else ():
        places["overrides", name] = value
    for path, value in places.items():
        for name, space in value.given().items() if isinstance(value, Settings) else ():
            if isinstance(space, LogRange | IntRange):
                at = (*path, name)
                document.complain(at, f"{path_text(at)} is a range; a grid needs `choice: [...]`")


def _addresses(document: Document, clean: Mapping[str, Any]) -> None:
    for key in ("store", "mirror"):
        if isinstance(clean.get(key), str) and (wrong := problem(clean[key])):
            document.complain((key,), f"{key} is {wrong}")


def _resources(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    resources = clean.get("resources")
    if not isinstance(resources, Resources):
        return
    used = [table[name] for name in used_tasks(clean, table)]
    whole = [task.name for task in used if isinstance(task, Task) and task.spec.whole_batches]
    if resources.workers > 1 and whole:
        need = (
            f"must be 1 for {', '.join(whole)}: the softmax of a dual encoder is over one "
            "worker's batch"
        )
        document.complain(
            ("resources", "workers"), f"resources.workers is {resources.workers}; {need}"
        )


def _tracking(document: Document, clean: Mapping[str, Any]) -> None:
    """Notes an address with a password in it."""
    address = clean.get("tracking")
    wrong = refused_address(address) if isinstance(address, str) else None
    if wrong:
        document.complain(("tracking",), f"tracking: {wrong}")
