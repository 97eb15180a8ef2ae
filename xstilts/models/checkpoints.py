"""Files of models and tokenizers: where they are, and errors when they are damaged or can't be
written.

The libraries raise many kinds of errors. Here they become DataError (not a usable base model),
CorruptError (a checkpoint of ours, or a safetensors file, is damaged) or StoreError (the disk is
full or not writable).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from xstilts.errors import CorruptError, DataError, StoreError, first_line
from xstilts.store.inside import part
from xstilts.store.local_files import store_error

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


OPENING = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    StrictDataclassError,
)
"""What the libraries raise for a configuration or a checkpoint from which they can't make a model.
"""


def unfit(place: str, why: str, *, stored: bool) -> Exception:
    """The error for a checkpoint that can't be used; `stored`: a phase of ours wrote it."""
    if stored:
        return CorruptError(
            f"{place}: this checkpoint is damaged: {why}; move its phase's folder away and "
            "run again"
        )
    return DataError(
        f"{place}: this base model can't be loaded: {why}; it must be a complete safetensors "
        "checkpoint"
    )


@contextmanager
def loading(place: str, *, stored: bool) -> Iterator[None]:
    """Turns what the libraries raise while they read `place` into our errors."""
    try:
        yield
    except SafetensorError as error:
        what_to_do = (
            "move its phase's folder away and run again" if stored else "fetch the model again"
        )
        raise CorruptError(
            f"{place}: a safetensors file is damaged ({error}); {what_to_do}"
        ) from error
    except OPENING as error:
        raise unfit(place, first_line(error), stored=stored) from error


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turns what the libraries raise while they write to `path` into StoreError."""
    try:
        yield
    except OSError as error:
        raise store_error(error, path) from error
    except Exception as error:
        # The Rust writers hide the error number in their text; that of tokenizers raises Exception.
        number = re.search(r"os error (\d+)", str(error))
        if number:
            raise store_error(OSError(int(number[1]), os.strerror(int(number[1]))), path) from error
        if isinstance(error, SafetensorError | RuntimeError):
            raise StoreError(f"{path}: could not be written: {error}") from error
        raise


@contextmanager
def hushed() -> Iterator[None]:
    """Without transformers' progress bars and load reports, which are on again afterwards."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def weight_files(place: str, revision: str | None) -> list[str]:
    """Paths of a model's safetensors files."""
    from transformers.utils import cached_file

    def file(name: str) -> str | None:
        return cached_file(
            place, name, revision=revision or "main", _raise_exceptions_for_missing_entries=False
        )

    index = file("model.safetensors.index.json")
    names = (
        {part(name) for name in json.loads(Path(index).read_bytes())["weight_map"].values()}
        if index
        else {"model.safetensors"}
    )
    return [path for path in map(file, sorted(names)) if path]


def tokenizer_of(place: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer in a folder or on the hub; the last few stay in memory, since opening one can
    take seconds.
    """
    file = Path(place, "tokenizer.json")
    stamp = (file.stat().st_mtime_ns, file.stat().st_size) if file.exists() else None
    return _tokenizer(place, revision, stamp)


@lru_cache(maxsize=4)
def _tokenizer(
    place: str, revision: str | None, stamp: tuple[int, int] | None
) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    with loading(place, stored=False):
        return AutoTokenizer.from_pretrained(
            place, revision=revision or "main", trust_remote_code=False
        )
