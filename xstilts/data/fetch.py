"""Fills a mirror from the hub with everything a sweep reads, for machines without a network.

Run it where there is a network, copy the folder, and name it (`--mirror DIR` or XSTILTS_MIRROR). It
fetches the configurations and splits of a dataset that the sweep's tasks name, and the
configuration, tokenizer and safetensors of a model. Files that exist already are not downloaded
again. Each dataset folder gets a README whose `configs` list what it holds, so that
`datasets.load_dataset` can open it too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.data.reading import languages, sources
from xstilts.data.reading.layout import Layout, layout
from xstilts.errors import DataError, StoreError
from xstilts.sources import hub as hubs
from xstilts.sources.base_models import GENERATOR, require_weights, wanted_files
from xstilts.sources.context import fetch_help
from xstilts.sources.sweep_models import sweep_models
from xstilts.spec import splits
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task, Use
from xstilts.store.inside import inside
from xstilts.store.local_files import store_error, write_bytes

_USES: tuple[Use, ...] = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One repository that a sweep reads."""

    kind: hubs.Kind
    name: str
    revision: str
    tasks: tuple[Task, ...] = ()
    """Tasks that read it, for a dataset."""
    weights: bool = True
    """Whether a model's weights are needed, or its tokenizer alone."""


def wanted(sweep: Sweep) -> tuple[Wanted, ...]:
    """The repositories that a sweep reads, each once; not the user's own files and folders."""
    datasets: dict[tuple[str, str], list[Task]] = {}
    for leaf in (leaf for task in sweep.tasks for leaf in task.leaves):
        if leaf.source.hub is not None:
            datasets.setdefault((leaf.source.hub, leaf.source.revision), []).append(leaf)
    found = [
        Wanted(kind="dataset", name=n, revision=r, tasks=tuple(ts))
        for (n, r), ts in datasets.items()
    ]
    return (*found, *_models(sweep))


def _models(sweep: Sweep) -> Iterator[Wanted]:
    for model in sweep_models(sweep):
        if model.id != GENERATOR and not _is_local(model.id):
            yield Wanted(
                kind="model", name=model.id, revision=model.revision, weights=model.weights
            )


def _is_local(name: str) -> bool:
    return name.startswith(("/", ".", "~")) or os.path.isdir(name)


def fetch(
    sweep: Sweep,
    mirror: str | Path,
    *,
    report: Callable[[str], None] = lambda text: None,
    hub: hubs.Hub | None = None,
) -> list[str]:
    """Downloads everything a sweep reads into `mirror`; returns the folders, in order.

    Every repository is tried. Raises a DataError that lists all that could not be fetched (no
    network, no such repository, split or language), and StoreError if the mirror can't be written.
    """
    every = wanted(sweep)
    folders, problems = [], list(_revised(every))
    for one in every:
        report(f"{one.kind} {one.name}")
        try:
            folders.append(str(_one(one, Path(mirror), hub or hubs.HUB)))
        except StoreError:
            raise
        except DataError as error:
            problems.append(str(error))
        except OSError as error:
            raise store_error(error, Path(mirror)) from error
    if problems:
        raise DataError("\n".join(hubs.told_once(problems)))
    return folders


def _revised(every: tuple[Wanted, ...]) -> Iterator[str]:
    """A problem for each repository wanted at several revisions: a mirror holds only one."""
    asked: dict[tuple[str, str], list[str]] = {}
    for one in every:
        asked.setdefault((one.kind, one.name), []).append(one.revision)
    for (kind, name), revisions in asked.items():
        if len(set(revisions)) > 1:
            yield (
                f"{kind} {name}: tasks name the revisions "
                f"{' and '.join(dict.fromkeys(revisions))}, but a mirror holds "
                "only one; give all tasks the same `revision:`"
            )


def _one(one: Wanted, mirror: Path, hub: hubs.Hub) -> Path:
    folder = inside(mirror, f"{one.kind}s/{one.name}", error=DataError)
    if one.name.startswith("local/"):  # no hub owner has this name: it is the user's own
        if folder.is_dir():
            return folder
        raise DataError(
            f"{one.kind} {one.name}: not in the mirror {mirror}; "
            f"{fetch_help(one.name, str(mirror))}"
        )
    if one.kind == "dataset":
        _dataset(one, folder, hub)
        return folder
    names = wanted_files(hub.names("model", one.name, one.revision))
    if one.weights:
        require_weights(f"hub model {one.name}", names)
    else:
        names = [name for name in names if ".safetensors" not in name]
    _download(hub, one, one.revision, names, folder)
    return folder


def _dataset(one: Wanted, folder: Path, hub: hubs.Hub) -> None:
    revision, names = sources.hub_listing(one.name, one.revision, hub)
    readme = hub.download("dataset", one.name, revision, ("README.md",), None) / "README.md"
    plan = layout(names, readme)
    chosen, problems = _chosen(one, plan)
    files = sorted(
        {file for config in chosen.values() for files in config.values() for file in files}
    )
    if files:
        _download(hub, one, revision, files, folder)
        _write_readme(folder, readme, plan)
    if problems:
        raise DataError("\n".join(problems))


def _download(hub: hubs.Hub, one: Wanted, revision: str, names: list[str], folder: Path) -> None:
    """Downloads files to a folder of the mirror; DataError where a name in the hub's listing, or a
    link that is there already, leads out of it.
    """
    for name in names:
        inside(folder, name, error=DataError)
    folder.mkdir(parents=True, exist_ok=True)
    hub.download(one.kind, one.name, revision, names, folder)


def _chosen(one: Wanted, plan: Layout) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[str]]:
    """Configuration to split to files, for all that the tasks name; and what does not exist."""
    chosen: dict[str, dict[str, tuple[str, ...]]] = {}
    problems: dict[str, None] = {}
    for task in one.tasks:
        for use in _USES:
            expression = getattr(task.splits, use)
            for language in task.languages_of(use) if expression else ():
                try:
                    config = sources.config_of(task, language, plan, None)
                except DataError as error:
                    problems[f"task {task.name}: {error}"] = None
                    continue
                for split in splits.names(expression):
                    files = plan.configs[config].get(split)
                    if files is None:
                        absent = _absent(task, language, split, plan.configs[config])
                        problems[f"task {task.name}: {absent}"] = None
                    else:
                        chosen.setdefault(config, {})[split] = files
    return chosen, list(problems)


def _absent(task: Task, language: str, split: str, have: Mapping[str, object]) -> str:
    return (
        f"{languages.source_in_words(task, language)}: has no split `{split}`; it has "
        f"{', '.join(have) or 'none'}"
    )


def _write_readme(folder: Path, original: Path, plan: Layout) -> None:
    """Writes a card whose `configs` name the files in `folder`, followed by the text of the
    original card.
    """
    here = set(sources.names_in(folder))
    configs = []
    for name, parts in plan.configs.items():
        held = {split: [file for file in files if file in here] for split, files in parts.items()}
        data_files = [{"split": split, "path": files} for split, files in held.items() if files]
        if data_files:
            configs.append(
                {"config_name": name, "default": name == plan.default, "data_files": data_files}
            )
    body = (
        _body(original.read_text(encoding="utf-8")) if original.is_file() else f"# {folder.name}\n"
    )
    # JSON is valid YAML, so nothing needs quoting by hand.
    lines = ",\n".join(json.dumps(config, ensure_ascii=False) for config in configs)
    write_bytes(folder / "README.md", f"---\nconfigs: [\n{lines}\n]\n---\n{body}".encode())


def _body(card: str) -> str:
    """A card without its front matter."""
    lines = card.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return card
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.strip() == "---"), 0)
    return "".join(lines[end + 1 :])
