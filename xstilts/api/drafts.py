"""`init`: a sweep file from a few answers, with a look at the user's own files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from xstilts.api.verb_values import InitResult
from xstilts.errors import InputError, nearest
from xstilts.sweep_file import draft
from xstilts.sweep_file.draft import Draft, OwnTask

MODEL, INTERMEDIATE = "FacebookAI/xlm-roberta-base", "squad"
"""What is taken where nothing is given."""


def init(
    file: str | os.PathLike[str] = "sweep.yaml",
    *,
    models: Sequence[str] = (),
    intermediates: Sequence[str] = (),
    targets: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    languages: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3),
    trials: int = 4,
    steps: int = 1000,
    name: str | None = None,
    force: bool = False,
) -> InitResult:
    """Writes a commented sweep file that `check` and `run` take as it is.

    `files` maps the name of a task of one's own to a pattern of paths from the working directory;
    `format`, `columns`, `labels` and `languages` say what can't be read off these files. A task of
    one's own that is not among `intermediates` is a target. Raises InputError for a file that is
    there already (unless `force`), for names that are no tasks, and for files that can't be read.
    """
    path = Path(file)
    require_free(path, force=force)
    own = [
        _own(task, pattern, path, format, columns, labels, languages)
        for task, pattern in (files or {}).items()
    ]
    named = [task.name for task in own]
    wanted = [*targets, *(one for one in named if one not in {*intermediates, *targets})]
    _known("intermediate", intermediates, [*draft.intermediates(), *named], "none")
    _known("target", wanted, [*draft.targets(), *named])
    if not wanted:
        raise InputError(
            "no target: give --target NAME (`xstilts tasks` lists them), or own files by "
            "--files NAME=PATTERN"
        )
    answers = Draft(
        name=name or _name_of(path),
        models=[_place(one, path) for one in models] or [_model(wanted)],
        intermediates=_intermediates(intermediates, models, wanted),
        targets=wanted,
        seeds=seeds,
        trials=trials,
        steps=steps,
        own=own,
    )
    text = draft.write(answers, str(path))
    _write(path, text)
    return InitResult(
        file=str(path),
        name=answers.name,
        models=list(answers.models),
        intermediates=["none", *answers.intermediates],
        targets=list(answers.targets),
        own=[_told(task) for task in own],
    )


def require_free(path: Path, *, force: bool) -> None:
    """InputError where a file must not be written."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a sweep file to write")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; give another name, or --force to replace it")


def _intermediates(
    given: Sequence[str], models: Sequence[str], targets: Sequence[str]
) -> list[str]:
    """Those given, without the baseline; else one that suits the models and the targets."""
    if given:
        return [one for one in given if one != "none"]
    generated = draft.GENERATOR in models or _generated(targets)
    return ["gen-more"] if generated else [INTERMEDIATE]


def _model(targets: Sequence[str]) -> str:
    return draft.GENERATOR if _generated(targets) else MODEL


def _generated(targets: Sequence[str]) -> bool:
    """Whether all targets are in the generator's languages, for which there is no other model."""
    return all(one.startswith("gen-") for one in targets)


def _known(what: str, given: Sequence[str], known: Sequence[str], *others: str) -> None:
    """InputError for names that are unknown, or given twice."""
    from xstilts.tasks import TASKS

    for number, one in enumerate(given):
        if one in given[:number]:
            raise InputError(f"--{what} {one} is given twice")
        if one in known or one in others:
            continue
        if one in TASKS:
            why = (
                "has no rows that train it"
                if what == "intermediate" or TASKS[one].has("test")
                else "has no test rows"
            )
            raise InputError(f"--{what} is {one}, which {why}, so it can't be one")
        raise InputError(
            f"--{what} is {one}, which is no task{nearest(one, known)}; `xstilts tasks` lists "
            "them, your own are given by --files NAME=PATTERN"
        )


# -- own files


def _own(
    name: str,
    pattern: str,
    file: Path,
    format: str | None,
    columns: Mapping[str, str] | None,
    labels: Sequence[str],
    languages: Sequence[str],
) -> OwnTask:
    """A task over own files, as far as it can be told from them."""
    from xstilts.data.reading.guesses import guess
    from xstilts.spec.format_specs import FORMATS
    from xstilts.tasks import TASKS

    if name in TASKS:
        raise InputError(f"--files is {name}, which is a built-in task; give yours another name")
    if format is not None and format not in FORMATS:
        raise InputError(f"--format is {format}; must be one of {', '.join(FORMATS)}")
    found = guess(pattern, format=format, columns=columns, labels=labels, languages=languages)
    return OwnTask(
        name=name,
        format=found.format,
        metric=found.metric,
        files=[_from_file(pattern, file)],
        file_format=found.file_format,
        columns=found.columns,
        labels=found.labels,
        languages=found.languages,
        train_language=found.train_language,
        splits=found.splits,
    )


def _from_file(path: str, file: Path) -> str:
    """A path from the working directory, as it is seen from the sweep file's folder."""
    expanded = os.path.expanduser(path)
    if os.path.isabs(expanded) or path.startswith("~"):
        return path
    seen = os.path.relpath(os.path.abspath(expanded), os.path.abspath(file.parent))
    return Path(seen).as_posix()


def _place(model: str, file: Path) -> str:
    """A model's id; a folder as it is seen from the sweep file's folder, with `./` before it."""
    if not model.startswith(".") and not os.path.isfile(os.path.join(model, "config.json")):
        return model
    seen = _from_file(model, file)
    return seen if os.path.isabs(seen) or seen[:1] in "~." else f"./{seen}"


def _told(task: OwnTask) -> dict[str, object]:
    return {
        "task": task.name,
        "format": task.format,
        "columns": dict(task.columns),
        "labels": list(task.labels),
        "languages": list(task.languages),
        "train_language": task.train_language,
        "splits": dict(task.splits),
        "metric": task.metric,
    }


# -- the file


def _name_of(path: Path) -> str:
    """A sweep's name from its file's."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", path.stem).strip("-_.+")[:64] or "sweep"


def _write(path: Path, text: str) -> None:
    """Writes the file; InputError where it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error
