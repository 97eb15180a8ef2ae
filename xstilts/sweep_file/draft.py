"""A sweep file written for the user: commented, and valid at once.

The comments say what a line means and what else could stand there. What is written is read again by
the one reader of sweep files before anybody gets it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.errors import InputError, SweepError
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.names import is_name
from xstilts.spec.task import Task
from xstilts.tasks import TASKS

GENERATOR = "generator"
"""In place of a model: the one that `sweeps/demo.yaml` pretrains on the generator's text."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"}


@dataclass(frozen=True, kw_only=True)
class OwnTask:
    """A task over the user's own files, as it stands in a sweep file."""

    name: str
    format: FormatName
    metric: str
    files: Sequence[str]
    """Patterns from the sweep file's folder."""
    file_format: str | None
    columns: Mapping[str, str]
    labels: Sequence[str]
    languages: Sequence[str]
    train_language: str
    splits: Mapping[str, str]

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics of its format."""
        return FORMATS[self.format].metrics


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The answers that a sweep file is written from."""

    name: str
    models: Sequence[str]
    """Ids, folders, or `GENERATOR`."""
    intermediates: Sequence[str]
    """Without the baseline, which is always written."""
    targets: Sequence[str]
    seeds: Sequence[int] = (1, 2, 3)
    trials: int = 4
    steps: int = 1000
    own: Sequence[OwnTask] = ()


def write(draft: Draft, file: str) -> str:
    """The text of a sweep file; `file` is what its comments call it.

    Raises InputError where the answers make no valid sweep.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["y"] = scalar
    text = environment.get_template("draft.yaml.j2").render(**_values(draft, file))
    return _checked(text, file)


def _checked(text: str, file: str) -> str:
    from xstilts.sweep_file import loads

    try:
        loads(text, file=file)
    except SweepError as error:
        raise InputError("\n".join(problem.message for problem in error.problems)) from error
    return text


def _values(draft: Draft, file: str) -> dict[str, Any]:
    """What the template uses."""
    small = GENERATOR in draft.models
    low, high = (1e-3, 2e-3) if small else (1e-5, 5e-5)
    searched = f"{{log: [{low:.1e}, {high:.1e}]}}"
    middle = f"{low if small else 2e-5:.1e}"
    return {
        **vars(draft),
        "file": file,
        "models": _models(draft.models),
        "intermediate_lr": middle,
        "target_lr": searched if draft.trials > 1 else middle,
        "longest": 48 if small else 128,
        "questions": [] if small else _questions(draft),
        "formats": list(FORMATS),
        "cut": " # cut out in the order of the rows: shuffle a sorted file first",
    }


def _models(ids: Sequence[str]) -> list[dict[str, str]]:
    """Each model with a name where its id gives none, or one that another has already."""
    taken: set[str] = {"tiny"} if GENERATOR in ids else set()
    found = []
    for one in ids:
        label = one.rstrip("/").split("/")[-1]
        name = label if is_name(label) else re.sub(r"[^A-Za-z0-9_.+-]+", "-", label)
        name = name.lstrip("_.+-")[:60] or "model"
        while name in taken:
            name = f"{name}-2"
        taken.add(name)
        found.append({"id": one, "name": "" if name == label else name})
    return found


def _questions(draft: Draft) -> list[str]:
    """Names of the intermediates and targets that read questions about a context."""
    formats: dict[str, str] = {name: task.format for name, task in TASKS.items()}
    formats |= {task.name: task.format for task in draft.own}
    names = dict.fromkeys([*draft.intermediates, *draft.targets])
    return [one for one in names if one in formats and _windows(formats[one])]


def _windows(name: str) -> bool:
    return FORMATS[name].windows  # type: ignore[index]


def scalar(text: str) -> str:
    """A text as YAML, in block or in brackets: plain where it stays what it is, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in quoted)


# -- what may be named


def intermediates() -> list[str]:
    """Built-in tasks that can be intermediates."""
    return [name for name, task in TASKS.items() if task.trainable and _trains(task)]


def targets() -> list[str]:
    """Built-in tasks that can be targets."""
    return [name for name, task in TASKS.items() if task.has("test") and _trained(task)]


def _trains(task: Task) -> bool:
    return task.has("train") and task.has("dev")


def _trained(task: Task) -> bool:
    """Whether there are rows to train a target on, where it is trained at all."""
    return not task.trainable or _trains(TASKS[task.train_task] if task.train_task else task)
