"""What types can't say of a sweep: the sense of it, checked by value alone.

Each rule notes its problems in the document and goes on. The values it gets are clean or `WRONG`; a
`WRONG` one has been complained about and is passed over, so that one mistake is said once. No rule
looks at data, models or machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from xstilts.checking import WRONG, Wrong, describe, hint_of, nearest, scalar, shown
from xstilts.costs.gpus import GPUS
from xstilts.errors import DataError
from xstilts.reading.columns import ROLES
from xstilts.reading.splits import parse as parse_split
from xstilts.sweep import (
    BASELINE,
    Choice,
    Hyperparameters,
    IntRange,
    LogRange,
    Mixture,
    Model,
    Pretraining,
    Rates,
    Resources,
    Settings,
)
from xstilts.task import LABELLED, POOLED, UNTRAINED, Name, Task, Use
from xstilts.yamlfile import Document, Path, path_text

FORMAT_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "classification": ("accuracy", "binary_f1", "accuracy_f1", "matthews"),
        "regression": ("pearson", "spearman", "correlation"),
        "multiple_choice": ("accuracy",),
        "tagging": ("chunk_f1", "chunk_f1_merged", "token_accuracy"),
        "span_qa": (
            "exact_match",
            "f1",
            "qa_mean",
            "mlqa_exact_match",
            "mlqa_f1",
            "mlqa_mean",
            "segmented_f1",
            "best_exact_match",
            "best_f1",
            "best_qa_mean",
        ),
        "retrieval": ("accuracy",),
        "mining": ("mining_f1", "mining_best_f1"),
        "dual_encoder": ("map_at_k", "mrr_at_k"),
        "masked_lm": ("masked_accuracy",),
    }
)
"""What each format computes. The formats say so themselves, but importing them imports torch; a test compares."""

Table = Mapping[str, Task | Wrong]


# -- settings and tasks: one value at a time ---------------------------------------------------------


def settings(document: Document, clean: dict[str, Any], path: Path) -> dict[str, Any]:
    """Holds a search space to the type of what it searches, and makes its values of that type."""
    settled = dict(clean)
    for name, space in clean.items():
        if isinstance(space, Choice | LogRange | IntRange):
            settled[name] = _space(document, name, space, (*path, name))
    return settled


def _space(document: Document, name: str, space: Choice | LogRange | IntRange, path: Path) -> Any:
    (key, values), *_ = space.model_dump().items()
    hint = hint_of(Hyperparameters, name)
    typed = [scalar(hint, value) for value in values]
    for i, (value, clean) in enumerate(zip(values, typed, strict=True)):
        if clean is WRONG:
            at = (*path, key, i)
            document.complain(at, f"{path_text(at)} is {shown(value)}; must be {describe(hint)}")
    if WRONG in typed:
        return WRONG
    if len(set(typed)) < len(typed):
        document.complain(path, f"{path_text(path)} has the same value twice; keep one")
        return WRONG
    return Choice(choice=tuple(typed)) if isinstance(space, Choice) else space


def task(document: Document, task: Task, path: Path) -> None:
    """A task that a sweep file brings or changes."""
    where = path_text(path)
    metrics = FORMAT_METRICS[task.format]
    if task.metric not in metrics:
        message = f'{where}.metric is "{task.metric}"; {task.format} has {", ".join(metrics)}'
        document.complain((*path, "metric"), message)
    for field in ("languages", "labels", "train_language"):
        values = task.train_languages if field == "train_language" else getattr(task, field)
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            document.complain((*path, field), f"{where}.{field} has {', '.join(twice)} twice; keep one")
    if task.format in LABELLED and len(task.labels) < 2 and not (task.format == "tagging" and not task.labels):
        document.complain(path, f"{where}.labels must list the label names in the order of their ids, two or more")
    _union(document, task, path)
    _options(document, task, path)
    if task.transform is not None and task.format in (*UNTRAINED, "masked_lm"):
        document.complain((*path, "transform"), f"{where}.transform: the rows of {task.format} cannot be transformed")
    for role in sorted(set(task.columns) - set(ROLES[task.format])):
        message = f'{where}.columns has "{role}", which is no role of {task.format}{nearest(role, ROLES[task.format])}'
        document.complain((*path, "columns", role), message)
    for use, expression in task.splits.model_dump().items():
        try:
            parse_split(expression or "train")
        except DataError as error:
            document.complain((*path, "splits", use), f"{where}.splits.{use}: {error}")


def _options(document: Document, task: Task, path: Path) -> None:
    """Options that the task's format does not read, or that its labels lack."""
    where, options = path_text(path), task.options
    swept = [name for name in ("sweep_layers", "sweep_poolings") if getattr(options, name)]
    for name in swept if task.format not in UNTRAINED else ():
        document.complain((*path, "options", name), f"{where}.options.{name}: {task.format} has no layers to sweep")
    if options.positive_label is not None and options.positive_label not in task.labels:
        message = f'{where}.options.positive_label is "{options.positive_label}"; must be a label'
        document.complain((*path, "options", "positive_label"), message + nearest(options.positive_label, task.labels))


def _union(document: Document, task: Task, path: Path) -> None:
    """A union has parts, and they can share a head."""
    where = path_text(path)
    if task.source.union != bool(task.parts):
        need = "a union needs `parts`, and parts need `source: {union: true}`"
        document.complain((*path, "parts"), f"{where}: {need}")
    for part in task.parts:
        if part.parts or part.format != task.format or set(part.labels) != set(task.labels):
            must = f"must be a plain task of format {task.format} with the labels [{', '.join(task.labels)}]"
            document.complain((*path, "parts"), f'{where}.parts has "{part.name}", which {must}')


# -- the whole sweep ---------------------------------------------------------------------------------


def sweep(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    """All rules that need more than one part of a sweep."""
    uses = list(_uses(clean))
    known = [(path, name, role) for path, name, role in uses if _known(document, path, name, table)]
    for path, name, role in known:
        if isinstance(table[name], Task):
            _usable(document, path, table[name], role, table)  # type: ignore[arg-type]
    _models(document, clean)
    _mixtures(document, clean, table)
    _duplicates(document, clean)
    _overrides(document, clean, table)
    _grid(document, clean)
    _resources(document, clean, table)


def used_tasks(clean: Mapping[str, Any], table: Table) -> list[str]:
    """Names of the tasks a sweep uses, training tasks included, in the order of their first use."""
    names: dict[str, None] = {}
    for _, name, _ in _uses(clean):
        task = table[name]
        names[name] = None
        if isinstance(task, Task) and task.train_task:
            names[task.train_task] = None
    return list(names)


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
    for path, item in _items(clean, "intermediates"):
        if isinstance(item, Mixture):
            for i, name in enumerate(item.mixture):
                yield (*path, "mixture", i), name, "intermediate"
        elif item != BASELINE:
            yield path, item, "intermediate"
    for path, name in _items(clean, "targets"):
        yield path, name, "target"


def _known(document: Document, path: Path, name: str, table: Table) -> bool:
    if name in table:
        return True
    if name == BASELINE:
        document.complain(path, f'{path_text(path)} is "{BASELINE}"; the baseline is an intermediate of its own')
    else:
        hint = nearest(name, (other for other, task in table.items() if task is not WRONG))
        own = "a task of your own is described under tasks:"
        document.complain(path, f'{path_text(path)} is "{name}", which is no task{hint} ({own})')
    return False


def _usable(document: Document, path: Path, task: Task, role: str, table: Table) -> None:
    """Whether a task can play its role."""

    def complain(message: str) -> None:
        document.complain(path, f'{path_text(path)} is "{task.name}"; {message}')

    if role == "target" and not task.has("test"):
        complain(f"it has no test split; give tasks.{task.name}.splits.test")
    if not task.trainable:
        if role != "target":
            complain(f"{task.format} is not trained, so it can only be a target")
        return
    if role == "pretraining" and task.format != "masked_lm":
        complain(f"a pretraining needs a masked_lm task, this is {task.format}")
        return
    source: Task | Wrong | None = task
    if role == "target" and task.train_task is not None:
        source = table.get(task.train_task)
        if source is None:
            complain(f'its train_task is "{task.train_task}", which is no task{nearest(task.train_task, table)}')
        elif isinstance(source, Task) and not _alike(source, task):
            complain(f"its train_task {source.name} must have the same format and labels")
    if not isinstance(source, Task):
        return
    uses: tuple[Use, ...] = ("train", "dev")
    missing = [use for use in uses if not source.has(use)]
    if missing:
        instead = f"; take its training task {task.train_task}" if role != "target" and task.train_task else ""
        need = " and ".join(f"splits.{use}" for use in missing)
        complain(f"{source.name} cannot be trained on without {need}{instead}")


def _alike(one: Task, other: Task) -> bool:
    """Whether a head trained on one can answer the other; choices carry no labels of their own."""
    return one.format == other.format and (one.format == "multiple_choice" or one.labels == other.labels)


def _models(document: Document, clean: Mapping[str, Any]) -> None:
    for path, model in _items(clean, "models"):
        where = path_text(path)
        if isinstance(model, Model) and scalar(Name, model.label) is WRONG:
            document.complain(path, f'{where}: "{model.label}" is no good name in tables; give it a `name`')
        if isinstance(model, Pretraining):
            if not isinstance(model.config.get("model_type"), str):
                must = "must name a transformers architecture, such as xlm-roberta"
                document.complain((*path, "config"), f"{where}.config.model_type is missing; {must}")
            for name, value in model.settings.given().items():
                if isinstance(value, Choice | LogRange | IntRange):
                    message = f"{where}.settings.{name} is a search space; a pretraining has fixed settings"
                    document.complain((*path, "settings", name), message)


def _mixtures(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    for path, item in _items(clean, "intermediates"):
        if not isinstance(item, Mixture):
            continue
        where = path_text(path)
        if item.label in table or item.label == BASELINE:
            document.complain(path, f'{where}: "{item.label}" is the name of a task; give the mixture another `name`')
        elif scalar(Name, item.label) is WRONG:
            what = f"{where}: its name would be {len(item.label)} characters long"
            document.complain(path, f"{what}; must be at most 64, so give it a `name`")
        if isinstance(item.rates, tuple):
            _rates(document, item, item.rates, (*path, "rates"))
        elif isinstance(item.rates, Rates):
            _fixed_rates(document, item, item.rates.fixed, (*path, "rates", "fixed"))


def _fixed_rates(document: Document, mixture: Mixture, fixed: Mapping[str, float], path: Path) -> None:
    for name in sorted(set(fixed) - set(mixture.mixture)):
        message = f'{path_text(path)} has "{name}", which is not in the mixture{nearest(name, mixture.mixture)}'
        document.complain((*path, name), message)
    total, others = sum(fixed.values()), set(mixture.mixture) - set(fixed)
    if fixed and (min(fixed.values()) <= 0 or total > 1 or (others and total == 1) or (not others and total < 1)):
        must = "each must be above 0, and together they must leave something for the others" if others else "must be 1"
        document.complain(path, f"{path_text(path)} has {shown(dict(fixed))}, {total:g} together; {must}")


def _rates(document: Document, mixture: Mixture, rates: tuple[float, ...], path: Path) -> None:
    tasks = len(mixture.mixture)
    if len(rates) != tasks:
        must = f"must have {tasks}, one for each task"
        document.complain(path, f"{path_text(path)} has {len(rates)} numbers; {must}")
    elif any(isinstance(rate, float) and rate <= 0 for rate in rates):
        document.complain(path, f"{path_text(path)} has {shown(list(rates))}; each must be a number above 0")


def _labels(clean: Mapping[str, Any], key: str) -> Iterator[tuple[Path, str]]:
    for path, item in _items(clean, key):
        if isinstance(item, Mixture | Model):
            yield path, item.label
        else:
            yield path, item.name if isinstance(item, Pretraining) else str(item)


def _duplicates(document: Document, clean: Mapping[str, Any]) -> None:
    lists = [list(_labels(clean, key)) for key in ("models", "intermediates", "targets", "seeds")]
    for path, item in _items(clean, "intermediates"):
        if isinstance(item, Mixture):
            lists.append([((*path, "mixture", i), name) for i, name in enumerate(item.mixture)])
    for labels in lists:
        first: dict[str, Path] = {}
        for path, label in labels:
            if label in first:
                message = f'{path_text(path)} is "{label}" again (first: {path_text(first[label])}); keep one'
                document.complain(path, message)
            first.setdefault(label, path)


def _overrides(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    given = clean.get("overrides")
    names = {label for key in ("intermediates", "targets") for _, label in _labels(clean, key)} - {BASELINE}
    for name in given if isinstance(given, dict) else ():
        if name in names:
            continue
        trained = [t for _, t in _labels(clean, "targets") if getattr(table.get(t), "train_task", None) == name]
        hint = f"; to set how a target is trained, name it: {', '.join(trained)}" if trained else nearest(name, names)
        message = f'overrides has "{name}", which is no intermediate or target of this sweep{hint}'
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


def _resources(document: Document, clean: Mapping[str, Any], table: Table) -> None:
    resources = clean.get("resources")
    if not isinstance(resources, Resources):
        return
    if resources.gpu is not None and resources.gpu not in GPUS:
        must = f"must be a GPU that the estimate knows{nearest(resources.gpu, GPUS)}"
        document.complain(("resources", "gpu"), f'resources.gpu is "{resources.gpu}"; {must}')
    whole = [name for name in used_tasks(clean, table) if getattr(table[name], "format", "") in POOLED]
    if resources.workers > 1 and whole:
        need = f"must be 1 for {', '.join(whole)}: the softmax of a dual encoder is over one worker's batch"
        document.complain(("resources", "workers"), f"resources.workers is {resources.workers}; {need}")
