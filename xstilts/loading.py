"""A sweep file -> `Sweep`: the one reader of YAML.

Three readings of one text, each of which notes all it finds before anything is raised:

1. form (`yamlfile`): is it YAML 1.2, with every key once?
2. types (`checking`): has each value the type that `sweep.py` declares?
3. sense (`rules`): do the names exist, do tasks, formats and metrics go together?

All problems are raised as one `SweepError`, sorted by line. Data, models and machines are not looked
at here, so loading needs no network and imports nothing heavy. In a file `tasks:` is a mapping: under
a built-in name it changes fields of that task, under a new name it brings a whole task, or one `like`
another with some fields changed; a `Sweep` carries every task that it uses, resolved, as a tuple.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from xstilts import rules
from xstilts.checking import WRONG, Checker, Wrong, nearest, shown, sound
from xstilts.errors import Problem, SweepError
from xstilts.rules import FORMAT_METRICS
from xstilts.sweep import BASELINE, Settings, Sweep
from xstilts.task import Name, Task
from xstilts.yamlfile import Document, Path, parse, path_text

__all__ = ["FORMAT_METRICS", "MIRROR_VARIABLE", "load", "loads", "schema"]

MIRROR_VARIABLE = "XSTILTS_MIRROR"
"""Environment variable that names a mirror; goes before the file's `mirror`, after an argument."""

_MERGED = ("splits", "limits", "options", "columns", "language_names")
"""Fields of a built-in task of which a sweep may change a part."""
_ORIGINS = ("hub", "files", "generator", "union")


def load(
    path: str | os.PathLike[str],
    *,
    mirror: str | None = None,
    store: str | None = None,
    tracking: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Sweep:
    """The sweep in the file at `path`.

    `mirror`, `store` and `tracking` go before what the file says; `overrides` maps dotted keys to
    values (`{"target.steps": 100}`). Raises SweepError with every problem of the file.
    """
    file = os.fspath(path)
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SweepError([Problem(message="there is no such sweep file", file=file)]) from None
    except UnicodeDecodeError as error:
        raise SweepError([Problem(message=f"not UTF-8 text ({error.reason}); save it as UTF-8", file=file)]) from error
    except OSError as error:
        raise SweepError([Problem(message=f"not readable: {error.strerror}", file=file)]) from error
    return loads(text, file=file, mirror=mirror, store=store, tracking=tracking, overrides=overrides)


def loads(
    text: str,
    *,
    file: str = "<text>",
    mirror: str | None = None,
    store: str | None = None,
    tracking: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Sweep:
    """The sweep in `text`; `file` is what errors call it. Otherwise as `load`."""
    document = parse(text, file)
    if any(problem.message.startswith("not YAML") for problem in document.problems):
        raise SweepError(document.problems)
    mirror = mirror or os.environ.get(MIRROR_VARIABLE) or None
    given = {"mirror": mirror, "store": store, "tracking": tracking}
    for dotted, value in {**(overrides or {}), **{k: v for k, v in given.items() if v is not None}}.items():
        document.replace(tuple(dotted.split(".")), value)
    return _resolve(document)


def _resolve(document: Document) -> Sweep:
    checker = Checker(document, {Settings: rules.settings})
    raw = _with_short_models(document.data)
    clean = checker.fields(Sweep, raw, (), skip=("tasks",))
    if isinstance(clean, Wrong):
        raise SweepError(document.problems)
    table = _tasks(document, checker, raw.get("tasks"))
    rules.sweep(document, clean, table)
    if document.problems:
        raise SweepError(sorted(document.problems, key=lambda problem: problem.line or 0))
    tasks = tuple(table[name] for name in rules.used_tasks(clean, table))
    if clean.get("mirror"):
        clean["mirror"] = os.path.abspath(os.path.expanduser(clean["mirror"]))
    sweep = checker.build(Sweep, {**clean, "tasks": tasks}, ())
    if not isinstance(sweep, Sweep):
        raise SweepError(document.problems)
    return sweep


def _with_short_models(data: Any) -> Any:
    """`models: [org/name]` is short for `models: [{id: org/name}]`."""
    if isinstance(data, dict) and isinstance(data.get("models"), list):
        return {**data, "models": [{"id": m} if isinstance(m, str) else m for m in data["models"]]}
    return data


def _tasks(document: Document, checker: Checker, raw: Any) -> dict[str, Task | Wrong]:
    """The built-in tasks, with those of the file in or above them."""
    from xstilts.tasks import TASKS

    table: dict[str, Task | Wrong] = dict(TASKS)
    if not isinstance(raw, dict):
        if raw is not None:
            document.complain(("tasks",), "tasks must be a mapping: a task's name, then its fields")
        return table
    for name, fields in raw.items():
        path = ("tasks", name)
        table[name] = WRONG
        if name == BASELINE:
            document.complain(path, f'"{BASELINE}" is the name of the baseline; give the task another')
        elif checker.value(Name, name, path) is WRONG:
            continue
        elif isinstance(fields, dict) and "name" in fields:
            document.complain((*path, "name"), f"{path_text(path)} has no key name: its key is its name")
        else:
            table[name] = _task(document, checker, name, fields, path, table)
    return table


def _task(
    document: Document, checker: Checker, name: str, fields: Any, path: Path, table: Mapping[str, Task | Wrong]
) -> Task | Wrong:
    """One entry of `tasks:`; `table` holds the built-in tasks and those above it in the file."""
    from xstilts.tasks import TASKS

    rest = dict(fields) if isinstance(fields, dict) else fields
    parts: dict[str, Any] = {}
    if isinstance(rest, dict) and "parts" in rest:
        parts = {"parts": _named(document, rest.pop("parts"), (*path, "parts"), table)}
    if isinstance(rest, dict) and "like" in rest:
        old = _named(document, [rest.pop("like")], (*path, "like"), table)
        if old is WRONG:
            return WRONG
        return _changed(document, old[0].model_copy(update={"name": name}), rest, path, parts)
    if name in TASKS:
        return _changed(document, TASKS[name], rest, path, parts)
    return _new(document, checker, name, rest, path, TASKS, parts)


def _named(document: Document, names: Any, path: Path, table: Mapping[str, Task | Wrong]) -> Any:
    """The tasks called `names`, or `WRONG`."""
    if not isinstance(names, list) or not names:
        document.complain(path, f"{path_text(path)} is {shown(names)}; must be a list of task names")
        return WRONG
    unknown = [name for name in names if name not in table]
    for name in unknown:
        hint = nearest(str(name), table)
        message = f"{path_text(path)} is {shown(name)}, which is no built-in task and none above it{hint}"
        document.complain(path, message)
    found = [table[name] for name in names if name in table]
    return WRONG if unknown or WRONG in found else tuple(found)


def _changed(document: Document, old: Task, fields: Any, path: Path, parts: dict[str, Any]) -> Task | Wrong:
    """Another task with some fields changed."""
    before = len(document.problems)
    checker = Checker(document, {}, partial=True)
    clean = checker.fields(Task, fields, path, skip=("name",))
    if isinstance(clean, Wrong):
        return WRONG
    merged = old.model_dump(exclude_unset=True)
    for key, value in clean.items():
        if sound(value):
            merged[key] = {**merged.get(key, {}), **value} if key in _MERGED else value
    if sound(clean.get("source", WRONG)):
        merged["source"] = _merged_source(old.source.model_dump(exclude_unset=True), clean["source"])
    return _built(checker, {**merged, **parts}, path, before) if sound(parts) else WRONG


def _built(checker: Checker, fields: dict[str, Any], path: Path, before: int) -> Task | Wrong:
    """The task; its sense is checked even where some fields were wrong and left out, but then it is `WRONG`."""
    task = checker.build(Task, fields, path)
    if isinstance(task, Task):
        rules.task(checker.document, task, path)
    return task if isinstance(task, Task) and len(checker.document.problems) == before else WRONG


def _merged_source(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A source of another origin replaces the old one; otherwise the old one's other fields stay."""
    moved = any(new.get(origin) is not None and origin not in old for origin in _ORIGINS)
    return new if moved else {**old, **new}


def _new(
    document: Document,
    checker: Checker,
    name: str,
    fields: Any,
    path: Path,
    known: Mapping[str, Task],
    parts: dict[str, Any],
) -> Task | Wrong:
    """A task of the user's own."""
    if not isinstance(fields, dict):
        checker.fields(Task, fields, path)
        return WRONG
    if parts:
        fields = {"source": {"union": True}, **fields}
    if not {"format", "source", "metric"} & set(fields):
        need = f"must bring format, source and metric as a task of your own, or be `like` another{nearest(name, known)}"
        document.complain(path, f'tasks: "{name}" is no built-in task; {need}')
        return WRONG
    before = len(document.problems)
    clean = checker.fields(Task, fields, path, skip=("name",))
    if isinstance(clean, Wrong) or not all(sound(clean.get(key)) for key in ("format", "source", "metric")):
        return WRONG
    if not sound(parts):
        return WRONG
    return _built(checker, {**{k: v for k, v in clean.items() if sound(v)}, **parts, "name": name}, path, before)


def schema() -> dict[str, Any]:
    """JSON Schema of a sweep file as it is written."""
    whole = Sweep.model_json_schema()
    task = {key: value for key, value in whole["$defs"]["Task"].items() if key != "required"}
    names = {"type": "array", "items": {"type": "string"}, "description": "Names of the tasks that are joined."}
    like = {"type": "string", "description": "Name of the task whose fields it has where it gives none."}
    fields = {key: value for key, value in task["properties"].items() if key != "name"}
    task["properties"] = {"like": like, **fields, "parts": names}
    task["description"] = "Fields of a task: some of them under a built-in name, a whole task under a new one."
    whole["$defs"]["Task"] = task
    whole["properties"]["tasks"] = {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Task"},
        "description": "Tasks of your own, and changes to the built-in ones, by name.",
    }
    models = whole["properties"]["models"]
    models["items"] = {"anyOf": [*models["items"]["anyOf"], {"type": "string"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "xstilts sweep"}
