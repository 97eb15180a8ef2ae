"""Where a task's rows come from: the hub, a mirror, the user's files, or the generator.

All four answer the same three questions about one split in one language: which rows, how many, and
the hash of their content. A mirror is a folder with hub snapshots, `datasets/<org>/<name>/` and
`models/<org>/<name>/`. From the hub, the files of a split are downloaded into huggingface_hub's
cache; both are then read the same way, and the same content has the same hash. With a mirror, the
hub is never asked.

A source's `row_filter` is applied here: a split has only the rows that match, and cuts, counts and
limits see no others (`row_filters.py`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from xstilts.data.reading import readers, row_filters
from xstilts.data.reading.languages import (
    languages_read,
    row_filter,
    source_in_words,
    tells_languages_apart,
    word,
)
from xstilts.data.reading.layout import Layout, layout
from xstilts.data.reading.raw import Absent, Raw
from xstilts.data.reading.user_files import SplitFiles, user_files
from xstilts.errors import DataError, nearest
from xstilts.sources import hub, mirrors
from xstilts.sources.context import DataContext, fetch_help
from xstilts.spec.addresses import is_address
from xstilts.spec.digests import digest
from xstilts.spec.task import Task
from xstilts.store.hashes import content_hashes
from xstilts.store.inside import inside
from xstilts.store.kept import kept, number_of_rows

COUNT_VERSION = 1
"""Raised when the same files come out as another number of rows."""


def read(
    task: Task, split: str, language: str, columns: Sequence[str], context: DataContext
) -> Raw:
    """Rows of one split of the source, with those of `columns` that exist; DataError if there is no
    such split.
    """
    patterns = row_filter(task, language)
    raw = _raw(task, split, language, [*columns, *patterns], context)
    return (
        row_filters.kept(raw, patterns, f"{source_in_words(task, language)}, split {split}")
        if patterns
        else raw
    )


def count(task: Task, split: str, language: str, context: DataContext) -> int:
    """Number of rows of one split of the source.

    The rows are read for it once: the number is kept under the content of the files. Of Parquet
    without a filter only the footer is read.
    """
    if task.source.row_filter:
        patterns = row_filter(task, language)

        def rows() -> int:
            return int(read(task, split, language, (), context).table.num_rows)

    elif task.source.generator is not None:
        return _generated_size(task.source.generator, split, language)
    else:
        patterns = {}

        def rows() -> int:
            return readers.count(_files(task, split, language, context), task.source.file_format)

    what = [
        COUNT_VERSION,
        content(task, split, language, context),
        task.source.file_format,
        patterns,
    ]
    folder = Path(context.cache) / "counts"
    return kept(folder, what, rows, number_of_rows, keep=not context.looks_only)


def _generated_size(name: str, split: str, language: str) -> int:
    from xstilts.tasks import generator

    try:
        return generator.size(name, split, language)
    except DataError as error:
        raise _no_generated(name, split, language, error) from error


def _raw(
    task: Task, split: str, language: str, columns: Sequence[str], context: DataContext
) -> Raw:
    if task.source.generator is not None:
        return _generated(task.source.generator, split, language)
    return readers.read(_files(task, split, language, context), task.source.file_format, columns)


def content(task: Task, split: str, language: str, context: DataContext) -> str:
    """Hash of the content of one split of the source, wherever it lies."""
    if task.source.generator is not None:
        from xstilts.tasks import generator

        return digest(["generator", generator.VERSION, task.source.generator, split, language])
    files = _files(task, split, language, context)
    return digest(content_hashes(files, context.cache, keep=not context.looks_only))


@lru_cache(maxsize=64)
def _generated(name: str, split: str, language: str) -> Raw:
    import pyarrow as pa

    from xstilts.tasks import generator

    try:
        table = pa.table(dict(generator.rows(name, split, language)))
    except (KeyError, ValueError) as error:
        raise _no_generated(name, split, language, error) from error
    return Raw(table=table, columns=tuple(table.column_names), classes={})


def _no_generated(name: str, split: str, language: str, error: Exception) -> DataError:
    return DataError(f"generator {name}: has no split `{split}` in language {language} ({error})")


def _files(task: Task, split: str, language: str, context: DataContext) -> tuple[Path, ...]:
    """The files of a split; if the data is missing, the error also says how to get it."""
    try:
        found = (
            user_files(task, language, context.base)
            if task.source.files
            else _repository(task, split, language, context)
        )
        return _split_of(found, split)
    except Absent as error:
        if task.obtain is None:
            raise
        raise Absent(f"{error}. {task.obtain}") from error


def _split_of(found: SplitFiles, split: str) -> tuple[Path, ...]:
    if split in found.splits:
        return found.splits[split]
    have = ", ".join(f"`{name}`" for name in found.splits) or "none"
    cut = next(
        (name for name in ("validation", "test", *found.splits) if name in found.splits),
        "validation",
    )
    raise DataError(
        f"{found.where}: has no split `{split}`; it has {have}. "
        f"Use one of those (`splits: {{test: {cut}}}`), or cut a part out of one "
        f'(`splits: {{train: "{cut}[:80%]", dev: "{cut}[80%:]"}}`)'
    )


def _repository(task: Task, split: str, language: str, context: DataContext) -> SplitFiles:
    """Splits of a dataset in the mirror or on the hub; files of `split` are downloaded if
    needed.
    """
    source = task.source
    assert source.hub is not None
    if context.mirror and is_address(context.mirror):
        return _fetched(task, split, language, context)
    if context.mirror:
        folder = dataset_folder(context.mirror, source.hub)
        plan = _layout_of(folder, _stamp(folder))
        name = config_of(task, language, plan, context.mirror)
        at = f"{source_in_words(task, language)} in {folder}"
        return SplitFiles(
            where=at,
            splits=_below(folder, plan, name),
        )
    asked = hub.of(context)
    revision, names = hub_listing(source.hub, source.revision, asked)
    readme = asked.download("dataset", source.hub, revision, ("README.md",), None) / "README.md"
    plan = layout(names, readme)
    name = config_of(task, language, plan, None)
    wanted = plan.configs[name].get(split, ())
    folder = (
        asked.download("dataset", source.hub, revision, wanted, None) if wanted else readme.parent
    )
    # Names without `..` (`hub.required`); links are those of huggingface_hub's cache.
    splits = {s: tuple(folder / n for n in ns) for s, ns in plan.configs[name].items()}
    return SplitFiles(where=source_in_words(task, language), splits=splits)


def _fetched(task: Task, split: str, language: str, context: DataContext) -> SplitFiles:
    """Splits of a dataset in a mirror at an address; files of `split` are fetched if needed."""
    mirror, name = str(context.mirror), str(task.source.hub)
    prefix = f"datasets/{name}"
    if context.looks_only:
        folder = inside(mirrors.place(mirror), prefix, error=DataError)
        if not folder.is_dir():
            raise Absent(f"dataset {name}: not fetched from {mirror} to this machine yet")
        plan = _layout_of(folder, _stamp(folder))
        config = config_of(task, language, plan, mirror)
        return SplitFiles(
            where=f"{source_in_words(task, language)} in {mirror}",
            splits=_below(folder, plan, config),
        )
    there = mirrors.names(mirror, prefix)
    if not there:
        raise Absent(
            f"dataset {name}: not in the mirror {mirror}"
            f"{nearest(name, mirrors.have(mirror, 'datasets'))}; {fetch_help(name, mirror)}"
        )
    folder = mirrors.fetched(mirror, prefix, ["README.md"])
    plan = layout(there, folder / "README.md")
    config = config_of(task, language, plan, mirror)
    mirrors.fetched(mirror, prefix, plan.configs[config].get(split, ()))
    return SplitFiles(
        where=f"{source_in_words(task, language)} in {mirror}",
        splits=_below(folder, plan, config),
    )


def _below(folder: Path, plan: Layout, config: str) -> dict[str, tuple[Path, ...]]:
    """Split to the files of a configuration in a folder of the mirror; DataError where a link leads
    out of the folder.
    """
    return {
        split: tuple(inside(folder, name, error=DataError) for name in names)
        for split, names in plan.configs[config].items()
    }


def dataset_folder(mirror: str, name: str) -> Path:
    """A dataset's folder in a mirror; DataError if the mirror lacks it."""
    folder = inside(mirror, f"datasets/{name}", error=DataError)
    if not folder.is_dir():
        have = sorted(
            f"{p.parent.name}/{p.name}"
            for p in (Path(mirror) / "datasets").glob("*/*")
            if p.is_dir()
        )
        raise Absent(
            f"dataset {name}: not in the mirror {mirror}{nearest(name, have)}; "
            f"{fetch_help(name, mirror)}"
        )
    return folder


def hub_listing(
    name: str, revision: str, asked: hub.Hub | None = None
) -> tuple[str, tuple[str, ...]]:
    """The revision to read, and its files; for a dataset with a loading script, the hub's own
    Parquet copy.
    """
    asked = asked or hub.HUB
    names = asked.names("dataset", name, revision)
    script = f"{name.split('/')[-1]}.py"
    if script in names and revision == "main":
        return hub.CONVERTED, asked.names("dataset", name, hub.CONVERTED)
    return revision, names


def config_of(task: Task, language: str, plan: Layout, mirror: str | None) -> str:
    """The configuration that a task reads for `language`; DataError if there is none."""
    pattern, dataset = task.source.config, f"dataset {task.source.hub}"
    if pattern is None:
        if plan.default is None:
            raise DataError(
                f"{dataset}: has several configurations; set `config:` to one of "
                f"{_some(plan.configs)}"
            )
        return plan.default
    if not tells_languages_apart(task, pattern):
        raise DataError(
            f"{dataset}: one configuration cannot serve {len(languages_read(task))} languages; "
            "put `{language}` into `config:` or into `row_filter:`, or give the task one language"
        )
    name = pattern.replace("{language}", word(task, language))
    if name in plan.configs:
        return name
    at = f"{dataset}{f' in the mirror {mirror}' if mirror else ''}: has no configuration `{name}`"
    have = [
        one
        for one in task.languages
        if pattern.replace("{language}", word(task, one)) in plan.configs
    ]
    if not have or "{language}" not in pattern:
        raise Absent(
            f"{at}{nearest(name, plan.configs)}; it has {_some(plan.configs)}. Set `config:` to "
            "one of them, or give the source's word for the language in `language_names:`"
        )
    fetch = (
        ", or fetch the others where there is a network: "
        f"`xstilts fetch SWEEP --mirror {shlex.quote(mirror)}`"
        if mirror
        else ""
    )
    raise Absent(
        f"{at}; of this task's languages it has {', '.join(have)}: set `languages:` to those{fetch}"
    )


def _some(names: Mapping[str, object], most: int = 12) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes when a file is added to or removed from the folder or one of its folders."""
    with os.scandir(folder) as entries:
        return tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries))


@lru_cache(maxsize=64)
def _layout_of(folder: Path, _stamp: tuple[tuple[str, int], ...]) -> Layout:
    return layout(names_in(folder), inside(folder, "README.md", error=DataError))


def names_in(folder: Path) -> list[str]:
    """Files under `folder`, relative to it, without hidden folders (downloaders keep theirs
    there). DataError where a link leads out of it.
    """
    found = []
    for path, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if _goes_on(folder, Path(path, name)))
        found += [Path(path, name).relative_to(folder).as_posix() for name in sorted(files)]
    return found


def _goes_on(folder: Path, path: Path) -> bool:
    """Whether the files of a folder below `folder` are listed: not of a hidden one, nor of a link
    to a folder that it lies in, which would never end.
    """
    if path.name.startswith("."):
        return False
    if not path.is_symlink():
        return True
    inside(folder, path.relative_to(folder).as_posix(), error=DataError)
    return path.resolve() not in (*path.parent.resolve().parents, path.parent.resolve())
