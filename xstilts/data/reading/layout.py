"""Which file of a dataset folder holds which split of which configuration.

A dataset repository, on the hub or in a mirror, says so in its README (`configs`, the hub's own
convention). If it does not, folder and file names decide: `copa/train/0000.parquet`,
`data/validation-00000-of-00001.parquet`, `test.jsonl`. Only the README is opened here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from xstilts.errors import DataError

SUFFIXES = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".conll": "conll",
    ".conllu": "conllu",
}
"""File suffix to file format."""
_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Configurations of a dataset: name to split to file names, relative to its folder."""

    configs: Mapping[str, Mapping[str, tuple[str, ...]]]
    default: str | None
    """The configuration that a task means if it names none."""


def layout(names: Sequence[str], readme: Path | None) -> Layout:
    """The layout of a repository that holds the files `names`, without splits that have no file."""
    data = [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    ]
    stated = _stated(readme) if readme and readme.is_file() else []
    if not stated or readme is None:
        # Files ending in .json are mostly metadata.
        configs = _inferred([name for name in data if not name.lower().endswith(".json")])
        return Layout(configs=configs, default=_only(configs))
    configs = {}
    for config in stated:
        found = {
            split: _matching(patterns, data)
            for split, patterns in _patterns(config, readme).items()
        }
        configs[str(config.get("config_name", "default"))] = {
            split: files for split, files in found.items() if files
        }
    marked = [str(c.get("config_name", "default")) for c in stated if c.get("default")]
    return Layout(configs=configs, default=marked[0] if marked else _only(configs))


def _only(configs: Mapping[str, Any]) -> str | None:
    if "default" in configs:
        return "default"
    return next(iter(configs)) if len(configs) == 1 else None


def _stated(readme: Path) -> list[dict[str, Any]]:
    stat = readme.stat()
    return _stated_at(str(readme), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _stated_at(readme: str, _mtime_ns: int, _size: int) -> list[dict[str, Any]]:
    """The `configs` of a README that name their files."""
    from huggingface_hub.repocard import metadata_load

    try:
        configs = (metadata_load(readme) or {}).get("configs") or []
    except Exception:  # the card is not valid YAML: use the file names
        return []
    return [c for c in configs if isinstance(c, dict) and c.get("data_files")]


def _patterns(config: Mapping[str, Any], readme: Path) -> dict[str, list[str]]:
    """Split to path patterns, of which the folder `data_dir` is none; `data_files` is a string, a
    list of strings, a mapping, or a list of `{split, path}`. DataError for anything else.
    """
    stated, folder = config["data_files"], str(config.get("data_dir") or "").strip("/")
    pairs: list[tuple[Any, Any]]
    if isinstance(stated, str) or (isinstance(stated, list) and _are_texts(stated)):
        pairs = [("train", stated)]
    elif isinstance(stated, Mapping):
        pairs = list(stated.items())
    else:
        parts = stated if isinstance(stated, list) else [stated]
        pairs = [
            (one.get("split", "train"), one.get("path")) if isinstance(one, Mapping) else ("", None)
            for one in parts
        ]
    found: dict[str, list[str]] = {}
    for split, path in pairs:
        paths = [path] if isinstance(path, str) else path
        if not isinstance(paths, list) or not _are_texts(paths):
            raise DataError(
                f"{readme}: `data_files` of configuration {config.get('config_name', 'default')} "
                "must be paths, or a list of `{split, path}`"
            )
        own = [one.removeprefix("./") for one in paths]
        found.setdefault(str(split), []).extend(
            f"{_literally(folder)}/{one}" if folder else one for one in own
        )
    return found


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _literally(folder: str) -> str:
    """A pattern that matches `folder` alone."""
    return re.sub(r"([*?\[])", r"[\1]", folder)


def _matching(patterns: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names that a pattern is or matches, sorted."""
    regexes = [re.compile(_regex(pattern)) for pattern in patterns if pattern not in names]
    matched = [name for name in names if any(regex.fullmatch(name) for regex in regexes)]
    return tuple(sorted({*matched, *(name for name in names if name in patterns)}))


def _regex(pattern: str) -> str:
    """A shell pattern as a regular expression: `*` stays within a folder, `**` does not; `[0-9]` is
    one of these characters.
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\])", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "(?s)" + "".join(
        words.get(part) or (_one_of(part) if i % 2 else re.escape(part))
        for i, part in enumerate(parts)
    )


def _one_of(brackets: str) -> str:
    """`[a-z]` or `[!a-z]` as a regular expression."""
    return "(?!/)" + re.sub(r"\\[Zz]$", "", fnmatch.translate(brackets))


def _inferred(names: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for name in sorted(names):
        folders, stem = PurePosixPath(name).parts[:-1], PurePosixPath(name).name
        split = next((s for s in map(_split_of, (stem, *reversed(folders))) if s), "train")
        config = (
            folders[0]
            if folders and folders[0] != "data" and not _split_of(folders[0])
            else "default"
        )
        found.setdefault(config, {}).setdefault(split, []).append(name)
    return {
        config: {split: tuple(files) for split, files in splits.items()}
        for config, splits in found.items()
    }


def _split_of(name: str) -> str | None:
    return next((_SPLITS[word] for word in _WORD.findall(name.lower()) if word in _SPLITS), None)
