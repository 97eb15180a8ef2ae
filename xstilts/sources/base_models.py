"""Base models: where they lie, and the revision of their files.

A model is a folder of the user's, a folder of the mirror, or an id on the hub. The revision of a
folder is a hash of the files that affect what the model computes (configuration, tokenizer,
weights); that of a model on the hub is the commit. Weights must be safetensors: pickles can run
code when they are opened, so they are refused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from xstilts.errors import DataError, nearest, visible
from xstilts.sources import hub, mirrors
from xstilts.sources.context import DataContext, fetch_help
from xstilts.spec.addresses import is_address
from xstilts.spec.digests import digest
from xstilts.spec.names import strange
from xstilts.store.hashes import content_hashes
from xstilts.store.inside import inside

GENERATOR = "generator"
"""In place of a model id: the generator's own tokenizer."""
_WEIGHTS = ".safetensors"
_INDEX = "model.safetensors.index.json"
_NAMES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "target_vocab.json",
    "vocab.txt",
    "merges.txt",
    "generation_config.json",
    _INDEX,
)
_TOKENIZER_SUFFIXES = (".model", ".bpe", ".spm")


def wanted_files(names: list[str] | tuple[str, ...]) -> list[str]:
    """The files of a model repository that are needed: no code, no pickles, nothing in folders."""
    top = [name for name in names if "/" not in name]
    return sorted(n for n in top if n in _NAMES or n.endswith((_WEIGHTS, *_TOKENIZER_SUFFIXES)))


def resolve_model(model_id: str, context: DataContext) -> str:
    """The folder of a model, or its id on the hub; DataError where there is no such folder, or the
    mirror lacks it.
    """
    folder = _folder(model_id, context)
    return str(folder) if folder else model_id


def model_revision(
    model_id: str, context: DataContext, revision: str = "main", *, weights: bool = True
) -> str:
    """Hash of a model folder's files (24 hexadecimal digits), or the commit of `revision` on the
    hub.

    DataError where it has no safetensors weights, unless `weights=False` says that only the
    tokenizer is used.
    """
    if model_id == GENERATOR:
        from xstilts.tasks import generator

        return digest([GENERATOR, generator.VERSION])
    folder = _folder(model_id, context)
    if folder is None:
        if weights:
            require_weights(
                f"hub model {model_id}", hub.of(context).names("model", model_id, revision)
            )
        return hub.of(context).commit("model", model_id, revision)
    names = wanted_files([path.name for path in folder.iterdir() if path.is_file()])
    if weights:
        require_weights(f"model {folder}", names)
        _require_shards_beside(folder / _INDEX)
    hashes = content_hashes(
        [folder / name for name in names], context.cache, keep=not context.looks_only
    )
    return digest(list(zip(names, hashes, strict=True)))


def require_weights(where: str, names: list[str] | tuple[str, ...]) -> None:
    """DataError where a model has no configuration or no safetensors weights."""
    if "config.json" not in names:
        raise DataError(
            f"{where}: has no config.json; must be a folder or repository that transformers "
            "can open"
        )
    if not any(name.endswith(_WEIGHTS) and "/" not in name for name in names):
        raise DataError(
            f"{where}: has no safetensors weights, and pickles (.bin, .pt) are not opened, "
            "since they can run code; "
            "save it with `model.save_pretrained(folder)` and name that folder"
        )


def _require_shards_beside(index: Path) -> None:
    """DataError where a model's index names weights that don't lie beside it."""
    try:
        shards = json.loads(index.read_bytes())["weight_map"].values()
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{index}: damaged ({error}); fetch or save the model again") from error
    for shard in dict.fromkeys(map(str, shards)):
        if strange(shard):
            raise DataError(
                f"{index}: names the weights `{visible(shard)}`; must be a file beside it; fetch "
                "or save the model again"
            )


def _folder(model_id: str, context: DataContext) -> Path | None:
    """The model's folder; None where it is an id on the hub."""
    own = Path(context.base, model_id).expanduser()
    if model_id.startswith(("/", ".", "~")):
        own = Path(context.base, Path(model_id).expanduser())
        if not own.is_dir():
            raise DataError(
                f"model {model_id}: no such folder; paths are relative to "
                f"{Path(context.base).absolute()}"
            )
        return own
    if (own / "config.json").is_file():
        return own
    if not context.mirror:
        return None
    if is_address(context.mirror):
        return _fetched(model_id, context)
    folder = inside(context.mirror, f"models/{model_id}", error=DataError)
    if folder.is_dir():
        for name in wanted_files(os.listdir(folder)):
            inside(folder, name, error=DataError)
        return folder
    have = sorted(
        f"{p.parent.name}/{p.name}"
        for p in (Path(context.mirror) / "models").glob("*/*")
        if p.is_dir()
    )
    raise DataError(
        f"model {model_id}: not in the mirror {context.mirror}{nearest(model_id, have)}; "
        + fetch_help(model_id, context.mirror)
    )


def _fetched(model_id: str, context: DataContext) -> Path:
    """The folder of a model of a mirror at an address, with its files."""
    assert context.mirror is not None
    prefix = f"models/{model_id}"
    if context.looks_only:
        folder = inside(mirrors.place(context.mirror), prefix, error=DataError)
        if not folder.is_dir():
            raise DataError(f"model {model_id}: not fetched from {context.mirror} yet")
        return folder
    names = mirrors.names(context.mirror, prefix)
    if not names:
        have = mirrors.have(context.mirror, "models")
        raise DataError(
            f"model {model_id}: not in the mirror {context.mirror}{nearest(model_id, have)}; "
            + fetch_help(model_id, context.mirror)
        )
    return mirrors.fetched(context.mirror, prefix, [*wanted_files(names), "README.md"])


def base_place(model: str, revision: str, context: DataContext) -> tuple[str, str | None]:
    """Folder or hub id of a base model, and its revision where it is a hub id."""
    place = resolve_model(model, context)
    return place, None if os.path.isdir(place) else revision
