"""A sweep file -> `Sweep`: the only reader of YAML.

The text is read three times; each reading notes all problems it finds before anything is raised:

1. form (`yaml_document`): is it YAML 1.2, with every key once?
2. types (`value_types`, `hints`): does each value have the type that `spec.sweep` declares?
3. sense (`task_rules`, `mixture_rules`, `sweep_rules`): do the names exist, do tasks, formats and
   metrics go together?

All problems are raised as one `SweepError`, sorted by line. Data, models and machines are not
looked at, so loading needs no network and imports nothing heavy. `entries` reads what is under
`tasks:`; a `Sweep` has every task that it uses, resolved, as a tuple.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from xstilts.errors import SweepError
from xstilts.spec.addresses import is_address
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Sweep
from xstilts.sweep_file import entries, sweep_rules, task_rules
from xstilts.sweep_file.hints import Wrong
from xstilts.sweep_file.json_schema import schema
from xstilts.sweep_file.text import read_text
from xstilts.sweep_file.value_types import Checker
from xstilts.sweep_file.yaml_document import Document, parse

__all__ = ["MIRROR_VARIABLE", "load", "loads", "schema"]

MIRROR_VARIABLE = "XSTILTS_MIRROR"
"""Environment variable for the mirror: overrides the file's `mirror`; an argument overrides it."""


def load(
    path: str | os.PathLike[str],
    *,
    mirror: str | None = None,
    store: str | None = None,
    tracking: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Sweep:
    """The sweep in the file at `path`.

    `mirror`, `store` and `tracking` override the file; `overrides` maps dotted keys to values
    (`{"target.steps": 100}`). Raises SweepError with every problem of the file.
    """
    file = os.fspath(path)
    return loads(
        read_text(file),
        file=file,
        mirror=mirror,
        store=store,
        tracking=tracking,
        overrides=overrides,
    )


def loads(
    text: str,
    *,
    file: str = "<text>",
    mirror: str | None = None,
    store: str | None = None,
    tracking: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Sweep:
    """The sweep in `text`; errors call it `file`. Otherwise like `load`."""
    document = parse(text, file)
    if document.unreadable:
        raise SweepError(document.problems)
    mirror = mirror or os.environ.get(MIRROR_VARIABLE) or None
    given = {"mirror": mirror, "store": store, "tracking": tracking}
    for dotted, value in {
        **(overrides or {}),
        **{k: v for k, v in given.items() if v is not None},
    }.items():
        document.replace(tuple(dotted.split(".")), value)
    return _resolve(document)


def _resolve(document: Document) -> Sweep:
    checker = Checker(document, {Settings: task_rules.settings})
    raw = _with_short_models(document.data)
    clean = checker.fields(Sweep, raw, (), skip=("tasks",))
    if isinstance(clean, Wrong):
        raise SweepError(document.problems)
    table = entries.tasks(document, checker, raw.get("tasks"))
    sweep_rules.sweep(document, clean, table)
    if document.problems:
        raise SweepError(sorted(document.problems, key=lambda problem: problem.line or 0))
    tasks = tuple(table[name] for name in sweep_rules.used_tasks(clean, table))
    if clean.get("mirror") and not is_address(clean["mirror"]):
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
