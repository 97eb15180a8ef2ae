"""The tokenised rows of a task on disk: written once, shared by all phases and workers.

    <cache>/rows/<key>/      rows.arrow: the rows under their roles
    <cache>/encoded/<key>/   features.arrow, lengths.npy, n_items.npy, facts.json

The key is a hash of everything that decides the content: the data itself, the cut, the labels, the
tokenizer, the lengths, the format. So a changed file, tokenizer or length leads to another folder,
and stale data is never read. The first process that needs a folder builds it, under a file lock, in
a hidden folder beside it that is renamed when it is complete: a folder that exists is complete.
Arrow files are memory-mapped, so the workers of a machine share one copy of the pages.

`facts.json` has size and SHA-256 of each file. A process compares them when it opens a folder for
the first time, at about 1.8 GB a second: a token that a disk has changed would be trained on in
silence. A damaged folder is thrown away and made again, and the run tells so.

Where the store is an object store, a folder that another machine has made is fetched, and one that
is made here is sent (`store.shared_data`).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.data import made_again
from xstilts.errors import DataError, XstiltsError
from xstilts.formats.encoded import EncodedSplit
from xstilts.spec.digests import canonical_json, digest
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Task
from xstilts.store import sums
from xstilts.store.local_files import store_error
from xstilts.store.sealed import read_sealed, write_sealed
from xstilts.store.shared_data import sent, shared_data, touch

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

ENCODE_VERSION = 2
"""Raised when the same rows are encoded differently."""
ROWS_PER_BATCH = 1000
FACTS = "facts.json"
Array = np.ndarray[Any, np.dtype[np.int64]]


def encoding_key(
    data_key: str, task: Task, tokenizer: PreTrainedTokenizerBase, hyper: Hyperparameters
) -> dict[str, Any]:
    """Everything that decides the encoded form; `data_key` identifies the rows."""
    return {
        "version": ENCODE_VERSION,
        "data": data_key,
        "format": task.format,
        "labels": list(task.labels),
        "options": task.options.model_dump(mode="json"),
        "tokenizer": tokenizer_digest(tokenizer),
        "max_length_tokens": hyper.max_length_tokens,
        "doc_stride_tokens": hyper.doc_stride_tokens,
    }


def encoded_split(
    key: Mapping[str, Any],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    *,
    cache: Path,
    rows: Callable[[], pa.Table],
    language: str | None = None,
) -> EncodedSplit:
    """The encoded form under `key`; built from `rows()` if it does not exist yet.

    Raises DataError for rows that can't be encoded and StoreError if the cache can't be written;
    neither leaves anything incomplete behind.
    """

    def make_rows(folder: Path) -> None:
        _write(folder / "rows.arrow", iter([rows()]))

    def make_features(folder: Path) -> None:
        _write_features(folder, _dataset(rows_folder / "rows.arrow"), task, tokenizer, hyper)

    rows_folder = built(cache / "rows" / str(key["data"]), make_rows)
    features_folder = built(cache / "encoded" / digest(dict(key)), make_features)
    return EncodedSplit(
        features=_dataset(features_folder / "features.arrow"),
        rows=_dataset(rows_folder / "rows.arrow"),
        lengths=np.load(features_folder / "lengths.npy", mmap_mode="r"),
        n_items=np.load(features_folder / "n_items.npy", mmap_mode="r"),
        language=language,
    )


def built(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`; if it does not exist, `make(hidden folder)` fills it, in one process while others
    wait.
    """
    from filelock import FileLock

    if not _fault(folder):
        touch(folder)
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if wrong := _fault(folder):
                if folder.exists():
                    made_again.note(folder, wrong)
                _fetched_or_made(folder, make)
    except OSError as error:
        raise store_error(error, folder.parent) from error
    return folder


def _fetched_or_made(folder: Path, make: Callable[[Path], None]) -> None:
    """Makes `folder`, or fetches what another machine has made; what is made is sent there."""
    shared = shared_data(folder)
    if shared is None:
        _make(folder, make)
        return

    def fetch(made: Path) -> None:
        if not shared.fetch(folder, made):
            raise _NotThere

    try:
        _make(folder, fetch, sealed=True)
        if not _fault(folder):
            return
        shared.forget(folder)
    except _NotThere:
        pass
    _make(folder, make)
    sent(shared, folder)


class _NotThere(Exception):
    """No other machine has made a folder."""


def _make(folder: Path, make: Callable[[Path], None], *, sealed: bool = False) -> None:
    """Makes `folder` while holding its lock; first removes what a killed process left behind.
    `sealed`: what is made has its checksums already.
    """
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    hidden = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    try:
        hidden.mkdir()
        make(hidden)
        if not sealed:
            write_sealed(hidden / FACTS, {"files": sums.of_folder(hidden)})
        os.rename(hidden, folder)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _fault(folder: Path) -> str:
    """How the files of `folder` differ from what was written, in a few words; empty where they
    don't. A file that this process has hashed is hashed again only if it was changed since.
    """
    try:
        files = read_sealed(folder / FACTS)["files"]
        meant = {name: sums.FileSum(*facts) for name, facts in files.items()}
        there = {name: one for name, one in sums.of_folder(folder).items() if name != FACTS}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return f"{FACTS} can't be read: {error}"
    if there.keys() != meant.keys():
        return f"it has {', '.join(there) or 'no files'} instead of {', '.join(meant)}"
    changed = (sums.difference(name, there[name], meant[name]) for name in meant)
    return next(filter(None, changed), "")


def _write_features(
    folder: Path,
    rows: datasets.Dataset,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
) -> None:
    lengths: list[int] = []
    n_items: list[int] = []

    def batches() -> Iterator[pa.Table]:
        for start in range(0, len(rows), ROWS_PER_BATCH):
            features = _encode(rows[start : start + ROWS_PER_BATCH], task, tokenizer, hyper, start)
            if not features["length"]:  # no row has a token: empty columns have no type to write
                continue
            lengths.extend(features["length"])
            n_items.extend(features["n_items"])
            yield _table(features)

    _write(folder / "features.arrow", batches())
    if not lengths:
        raise DataError(
            f"task {task.name}: none of its {len(rows)} rows has a token to encode; check its texts"
        )
    for name, values in (("lengths", lengths), ("n_items", n_items)):
        with open(folder / f"{name}.npy", "wb") as file:
            np.save(file, np.array(values, dtype=np.int64))


def _encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    from xstilts import formats

    try:
        return formats.get(task.format).encode(batch, task, tokenizer, hyper, first_row)
    except (XstiltsError, OSError, MemoryError):
        raise
    except Exception as error:
        last = first_row + len(next(iter(batch.values()))) - 1
        raise DataError(
            f"task {task.name}: rows {first_row + 1} to {last + 1} can't be encoded ({error!r})"
        ) from error


def _table(features: Mapping[str, list[Any]]) -> pa.Table:
    """The columns as an Arrow table; integers as int32, half the size of int64."""
    import pyarrow as pa

    table = pa.table({name: pa.array(values) for name, values in features.items()})
    return table.cast(pa.schema([(field.name, _narrow(field.type)) for field in table.schema]))


def _narrow(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return pa.list_(_narrow(kind.value_type))
    return pa.int32() if pa.types.is_int64(kind) or pa.types.is_null(kind) else kind


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    """Writes tables of one schema as an Arrow stream, in batches small enough to read singly."""
    import pyarrow as pa

    with open(path, "wb") as file:
        writer, schema = None, None
        for table in tables:
            schema = schema or table.schema
            writer = writer or pa.ipc.new_stream(file, schema)
            writer.write_table(table.cast(schema), ROWS_PER_BATCH)
        if writer is not None:
            writer.close()
        file.flush()
        os.fsync(file.fileno())


def _dataset(path: Path) -> datasets.Dataset:
    import datasets

    return datasets.Dataset.from_file(str(path))


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of everything that decides how a tokenizer cuts a text, without truncation and padding,
    which each call sets for itself.
    """
    known = getattr(tokenizer, "_xstilts_digest", None)
    if known is not None:
        return str(known)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        # The JSON starts with truncation and padding. Cutting the text is much faster than parsing
        # the whole vocabulary to drop them.
        _, _, model = backend.to_str().partition('"added_tokens"')
    else:
        model = canonical_json(tokenizer.get_vocab())
    facts = [
        type(tokenizer).__name__,
        model,
        {k: str(v) for k, v in sorted(tokenizer.special_tokens_map.items())},
    ]
    tokenizer._xstilts_digest = digest(facts)
    return str(tokenizer._xstilts_digest)
