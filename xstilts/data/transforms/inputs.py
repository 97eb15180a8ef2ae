"""What a transform reads apart from rows: dictionaries, translations, a model. Here they are found,
checked and hashed.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xstilts.data.reading import tables
from xstilts.data.reading.path_patterns import matches
from xstilts.data.transforms import codes, dictionary, lookup
from xstilts.data.transforms.dictionary import Table
from xstilts.errors import DataError
from xstilts.sources import hub
from xstilts.sources.base_models import model_revision, resolve_model
from xstilts.sources.context import DataContext
from xstilts.spec.digests import digest
from xstilts.spec.task import Task, Use
from xstilts.spec.transforms import Dictionary, Lookup, Transform, Translate
from xstilts.store.hashes import content_hashes

TRANSFORM_VERSION = 2
"""Raised when the same rows are transformed differently."""
_MODEL_FILES = ("config.json", "tokenizer_config.json")


def languages_of(transform: Transform) -> tuple[str, ...]:
    """The languages into which rows are changed; none for invented words."""
    kind = transform.translate or transform.lookup or transform.dictionary
    return kind.languages if kind is not None else ()


def revision(task: Task, context: DataContext) -> str:
    """Hash (24 hexadecimal digits) of the transform and the content of its files or model, wherever
    they lie.
    """
    transform = task.transform
    if transform is None:
        return digest(None)
    held: Any = None
    if transform.translate is not None:
        held = model_revision(transform.translate.model, context, transform.translate.revision)
    elif transform.lookup is not None or transform.dictionary is not None:
        kind = transform.lookup or transform.dictionary
        assert kind is not None
        held = [
            [
                one,
                content_hashes(
                    files(kind.files, one, context), context.cache, keep=not context.looks_only
                ),
            ]
            for one in kind.languages
        ]
    return digest({"version": TRANSFORM_VERSION, "transform": transform.payload(), "held": held})


def use_revision(task: Task, use: Use, context: DataContext) -> str | None:
    """The same for the rows of a use; None if no transform changes them."""
    return revision(task, context) if task.transform is not None and use == "train" else None


def rows_key(task: Task, use: Use, languages: tuple[str, ...], context: DataContext) -> str:
    """Identifies the rows of a use in `languages`, after its transform, by content."""
    transform = use_revision(task, use, context)
    return tables.key(task, use, languages, context, transform=transform)


def files(patterns: Sequence[str], language: str, context: DataContext) -> list[Path]:
    """The files that `patterns` match for a language, sorted for each pattern; DataError if a
    pattern matches none.
    """
    found = []
    for pattern in patterns:
        here = [match.path for match in matches(pattern, language, context.base)]
        if not here:
            shown = pattern.replace("{language}", language)
            raise DataError(
                f"{shown}: nothing there; paths are relative to {os.path.abspath(context.base)}"
            )
        found += here
    return found


def problems(task: Task, context: DataContext) -> list[str]:
    """Everything that prevents a task's transform, a message each; empty: it can be applied."""
    if task.transform is None:
        return []
    return [
        f"task {task.name}: transform: {text}" for text in _problems(task, task.transform, context)
    ]


def _problems(task: Task, transform: Transform, context: DataContext) -> Iterator[str]:
    if not task.spec.text_roles:
        yield f"{task.format} is not trained and has no training rows; leave the transform out"
        return
    if task.spec.label_kind == "tags" and (transform.translate or transform.lookup):
        yield (
            "a translated sentence has no tags; tagging takes `dictionary` or `pseudo`, which "
            "keep tokens one to one"
        )
        return
    if transform.translate is not None:
        yield from _model_problems(transform.translate, task, context)
    kind = transform.lookup or transform.dictionary
    if kind is not None:
        yield from _file_problems(kind, task, context)


def _file_problems(kind: Lookup | Dictionary, task: Task, context: DataContext) -> Iterator[str]:
    if (
        isinstance(kind, Dictionary)
        and len(kind.languages) > 1
        and not all("{language}" in p for p in kind.files)
    ):
        yield (
            f"one dictionary cannot serve {len(kind.languages)} languages; put `{{language}}` "
            "into its path"
        )
        return
    for language in kind.languages:
        try:
            if isinstance(kind, Dictionary):
                dictionary_table(kind, language, context)
            elif not lookup_table(kind, language, context):
                yield f"{', '.join(kind.files)}: holds no translation into {language}"
        except DataError as error:
            yield str(error)


def lookup_table(kind: Lookup, language: str, context: DataContext) -> dict[str, str]:
    """All translations into a language in the user's files; earlier files win over later ones."""
    found: dict[str, str] = {}
    for pattern in kind.files:
        paths = files((pattern,), language, context)
        named = "{language}" in pattern
        found = {
            **lookup.read(paths, language, named=named, several=len(kind.languages) > 1),
            **found,
        }
    return found


def dictionary_table(kind: Dictionary, language: str, context: DataContext) -> Table:
    """The dictionary of a language."""
    return dictionary.read(files(kind.files, language, context))


def _model_problems(spec: Translate, task: Task, context: DataContext) -> Iterator[str]:
    try:
        model_revision(spec.model, context, spec.revision)
        how = model_kind(spec, context)
    except DataError as error:
        yield str(error)
        return
    for source in task.train_languages:
        yield from (f"model {spec.model}: {text}" for text in codes.problems(spec, how, source))
    needs = _needed_package(spec, context)
    if needs is not None and importlib.util.find_spec(needs) is None:
        yield f"model {spec.model}: its tokenizer needs the package {needs}: `pip install {needs}`"


def model_kind(spec: Translate, context: DataContext) -> codes.Kind:
    """How the model takes its languages."""
    return codes.kind(*_model_facts(spec, context))


def _needed_package(spec: Translate, context: DataContext) -> str | None:
    """The package that transformers needs for the model's tokenizer and that xstilts does not
    install.
    """
    config, tokenizer = _model_facts(spec, context)
    name = (
        tokenizer.get("tokenizer_class")
        or config.get("tokenizer_class")
        or config.get("model_type")
    )
    return "sentencepiece" if name in ("MarianTokenizer", "M2M100Tokenizer", "marian") else None


def _model_facts(spec: Translate, context: DataContext) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's `config.json` and `tokenizer_config.json`; the latter may be missing."""
    place = resolve_model(spec.model, context)
    if not os.path.isdir(place):
        have = hub.of(context).names("model", spec.model, spec.revision)
        names = [name for name in _MODEL_FILES if name in have]
        place = str(hub.of(context).download("model", spec.model, spec.revision, names, None))
    config, tokenizer = (_json(Path(place, name)) for name in _MODEL_FILES)
    return config, tokenizer


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as JSON ({error}); fetch the model again") from error
    return found if isinstance(found, dict) else {}
