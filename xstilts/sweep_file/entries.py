"""The entries under `tasks:` in a sweep file: a task's name, then its fields.

An entry with a built-in name changes fields of that task. An entry with a new name is `like`
another task, with some fields changed, or gives a whole task. `like` and `parts` name built-in
tasks and entries above. Where a field is a mapping (`splits`, `limits`, ...) its keys are changed
one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xstilts.errors import nearest
from xstilts.spec.names import Name
from xstilts.spec.sweep import BASELINE
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.sweep_file import task_rules
from xstilts.sweep_file.any_options import AnyOptions
from xstilts.sweep_file.hints import WRONG, Wrong, state
from xstilts.sweep_file.value_types import Checker, sound
from xstilts.sweep_file.yaml_document import Document, Path, path_text

MERGED = ("splits", "limits", "options", "columns", "language_names")
"""Mapping fields of a task, of which an entry may change some keys."""
PARTIAL = (Task, Source, Splits, Limits, AnyOptions)
"""Specs of which an entry may give only some fields."""
OF_PARTS = ("splits", "columns", "language_names")
"""Fields that a union does not read, because each part has its own."""
_ORIGINS = ("hub", "files", "generator", "union")
Table = Mapping[str, Task | Wrong]


def tasks(document: Document, checker: Checker, raw: Any) -> dict[str, Task | Wrong]:
    """The built-in tasks, changed and extended by those of the file."""
    from xstilts.tasks import TASKS

    table: dict[str, Task | Wrong] = dict(TASKS)
    if not isinstance(raw, dict):
        if raw is not None:
            document.complain(("tasks",), "tasks must be a mapping: a task's name, then its fields")
        return table
    for name, fields in raw.items():
        path = ("tasks", name)
        found: Task | Wrong = WRONG
        if name == BASELINE:
            document.complain(
                path, f'"{BASELINE}" is the name of the baseline; give the task another'
            )
        elif checker.value(Name, name, path) is WRONG:
            pass
        elif isinstance(fields, dict) and "name" in fields:
            document.complain(
                (*path, "name"), f"{path_text(path)} has no key name: its key is its name"
            )
        else:
            found = _Entry(document, checker, name, path, table, raw).read(fields)
        table[name] = found
    return table


class _Entry:
    """One entry; `table` has the built-in tasks and entries above, `below` all of the file's."""

    def __init__(
        self,
        document: Document,
        checker: Checker,
        name: str,
        path: Path,
        table: Table,
        below: Mapping[str, Any],
    ) -> None:
        self.document, self.checker, self.name, self.path = document, checker, name, path
        self.table, self.below = table, below
        self.before = len(document.problems)

    def read(self, fields: Any) -> Task | Wrong:
        """The task that the entry's fields describe."""
        from xstilts.tasks import TASKS

        if not isinstance(fields, dict):
            self.checker.fields(Task, fields, self.path, skip=("name",))
            return WRONG
        rest = dict(fields)
        parts = {"parts": self._parts(rest.pop("parts"))} if "parts" in rest else {}
        if "like" in rest:
            old = self._like(rest.pop("like"))
            return WRONG if isinstance(old, Wrong) else self._changed(old, rest, parts)
        if self.name in TASKS:
            return self._changed(TASKS[self.name], rest, parts)
        return self._new(rest, parts)

    # -- other tasks by their names

    def _like(self, name: Any) -> Task | Wrong:
        if name == self.name:
            self._complain(
                ("like",), "is the task itself; leave `like` out to change a built-in task"
            )
            return WRONG
        found = self._named("like", name)
        return found if isinstance(found, Wrong) else found.model_copy(update={"name": self.name})

    def _parts(self, names: Any) -> Any:
        """The tasks called `names`, or `WRONG`."""
        if not isinstance(names, list) or not names:
            self._complain(("parts",), f"{state(names)}; must be a list of task names")
            return WRONG
        found = [self._named("parts", name) for name in names]
        return tuple(found) if sound(found) else WRONG

    def _named(self, key: str, name: Any) -> Task | Wrong:
        if not isinstance(name, str):
            self._complain((key,), f"{state(name)}; must be the name of a task")
        elif name not in self.table:
            moved = (
                "; it stands below, move it up" if name in self.below else nearest(name, self.table)
            )
            self._complain(
                (key,), f'is "{name}", which is no built-in task and none above it{moved}'
            )
        else:
            return self.table[name]
        return WRONG

    def _complain(self, key: Path, message: str) -> None:
        at = (*self.path, *key)
        self.document.complain(at, f"{path_text(at)} {message}")

    # -- the task

    def _changed(self, old: Task, fields: dict[str, Any], parts: dict[str, Any]) -> Task | Wrong:
        """The task `old` with some fields changed."""
        checker = Checker(self.document, {}, partial=PARTIAL)
        clean = checker.fields(Task, fields, self.path, skip=("name",))
        if isinstance(clean, Wrong) or not sound(parts):
            return WRONG
        merged = old.model_dump(exclude_unset=True)
        merged["options"] = {
            name: getattr(old.options, name) for name in old.options.model_fields_set
        }
        for key, value in clean.items():
            if sound(value):
                merged[key] = {**merged.get(key, {}), **value} if key in MERGED else value
        if sound(clean.get("source", WRONG)):
            merged["source"] = _merged_source(
                old.source.model_dump(exclude_unset=True), clean["source"]
            )
        if old.parts and not parts:
            self._not_of_a_union(clean)
        return self._built({**merged, **parts})

    def _not_of_a_union(self, clean: Mapping[str, Any]) -> None:
        """Notes fields that would have no effect, since a union reads those of its parts."""
        given: list[Path] = [(key,) for key in OF_PARTS if key in clean]
        if "row_filter" in (clean.get("source") or ()):
            given.append(("source", "row_filter"))
        instead = "its parts have their own; name parts that are `like` those"
        for key in given:
            self._complain(key, f"has no effect on a union, {instead}")

    def _new(self, fields: dict[str, Any], parts: dict[str, Any]) -> Task | Wrong:
        """A task of the user's own."""
        if parts:
            fields = {"source": {"union": True}, **fields}
        if not {"format", "source", "metric"} & set(fields):
            need = (
                "must bring format, source and metric as a task of your own, or be `like` another"
            )
            builtin = [name for name, task in self.table.items() if task is not WRONG]
            message = (
                f'tasks: "{self.name}" is no built-in task; {need}{nearest(self.name, builtin)}'
            )
            self.document.complain(self.path, message)
            return WRONG
        clean = self.checker.fields(Task, fields, self.path, skip=("name",))
        if isinstance(clean, Wrong) or not all(
            sound(clean.get(key)) for key in ("format", "source", "metric")
        ):
            return WRONG
        if not sound(parts):
            return WRONG
        return self._built(
            {**{k: v for k, v in clean.items() if sound(v)}, **parts, "name": self.name}
        )

    def _built(self, fields: dict[str, Any]) -> Task | Wrong:
        """The task, or `WRONG` where anything is wrong with it. Its sense is checked even where
        some fields were wrong and left out.
        """
        options = task_rules.own_options(self.document, fields, self.path)
        task = self.checker.build(Task, {**fields, "options": options}, self.path)
        if isinstance(task, Task):
            task_rules.task(self.document, task, self.path)
        return (
            task if isinstance(task, Task) and len(self.document.problems) == self.before else WRONG
        )


def _merged_source(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new source where its origin is another one; otherwise the old source with the new fields
    over it.
    """
    moved = any(new.get(origin) is not None and origin not in old for origin in _ORIGINS)
    return new if moved else {**old, **new}
