"""Translations on disk: each sentence is translated once, for all tasks, sweeps and limits.

    <cache>/transforms/<key>/<language>/<hash>.parquet    up to 512 sentences, translated; the hash
                                                          is that of the file
    <cache>/transforms/<key>/<language>/progress.json     progress of the last call

The key hashes everything that decides a translation: the model's files, source language, beams,
longest translation. Each shard is written atomically, so after a kill the next call translates only
what is missing. A damaged shard does not fit its name: it is thrown away, and its sentences are
translated again. One process at a time translates into a language; the others wait and then read
its shards. The longest sentences come first, so too little memory shows at once.
"""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from xstilts.data import made_again
from xstilts.errors import DataError
from xstilts.store import sums
from xstilts.store.local_files import store_error, write_bytes, write_json

SENTENCES_PER_SHARD = 512
_LOG = logging.getLogger("xstilts.transforms")

Translate = Callable[[Sequence[str]], Sequence[str | None]]
"""Sentences to translations, in order; None for a sentence without a usable one."""


def translated(
    texts: Iterable[str], folder: Path, translate: Callable[[], Translate]
) -> dict[str, str | None]:
    """Translations of `texts`; `translate()` opens the model and is called only if some are
    missing.
    """
    from filelock import FileLock, Timeout

    wanted = dict.fromkeys(texts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _LOG.info("another process translates into %s; waiting for it", folder.name)
            lock.acquire()
        try:
            return _completed(wanted, folder, translate)
        finally:
            lock.release()
    except OSError as error:
        raise store_error(error, folder) from error


def _completed(
    wanted: dict[str, None], folder: Path, translate: Callable[[], Translate]
) -> dict[str, str | None]:
    known = {
        text: made
        for path in sorted(folder.glob("*.parquet"))
        for text, made in _read(path)
        if text in wanted
    }
    missing = sorted(
        (text for text in wanted if text not in known), key=lambda text: (-len(text), text)
    )
    if not missing:
        return known
    work = translate()
    began = time.monotonic()
    _tell(folder, 0, len(missing), 0.0)
    for start in range(0, len(missing), SENTENCES_PER_SHARD):
        some = missing[start : start + SENTENCES_PER_SHARD]
        made = work(some)
        _write(folder, some, made)
        known.update(zip(some, made, strict=True))
        _tell(
            folder,
            min(start + SENTENCES_PER_SHARD, len(missing)),
            len(missing),
            time.monotonic() - began,
        )
    return known


def _tell(folder: Path, done: int, of: int, seconds: float) -> None:
    """Writes the progress. The longest sentences come first, so the time left is overestimated."""
    rate = done / max(seconds, 1e-6)
    left = (of - done) / rate if done else None
    state = {
        "language": folder.name,
        "done": done,
        "of": of,
        "a_second": rate,
        "seconds_left": left,
    }
    write_json(folder / "progress.json", state)
    if left is not None:
        _LOG.info(
            "%s: %d of %d sentences translated, %.1f a second, at most %.0f s left",
            folder.name,
            done,
            of,
            rate,
            left,
        )


def under_way(cache: Path, since: float) -> list[dict[str, Any]]:
    """The `progress.json` of each unfinished translation, if written after `since` (epoch
    seconds).
    """
    found = []
    for path in sorted(cache.glob("transforms/*/*/progress.json")):
        try:
            state = json.loads(path.read_bytes()) if path.stat().st_mtime >= since else {}
        except (OSError, ValueError):
            continue
        if state.get("done", 0) < state.get("of", 0):
            found.append(state)
    return found


def _read(path: Path) -> list[tuple[str, str | None]]:
    """A shard's sentences and translations; a damaged shard is removed and counts as empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = path.read_bytes()
    if _name(content) != path.name:
        path.unlink(missing_ok=True)
        made_again.note(path, "its hash differs")
        return []
    table = pq.read_table(pa.BufferReader(content))
    return list(zip(table["text"].to_pylist(), table["translation"].to_pylist(), strict=True))


def _write(folder: Path, texts: Sequence[str], made: Sequence[str | None]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(texts) != len(made):
        raise DataError(f"{len(texts)} sentences gave {len(made)} translations")
    table = pa.table(
        {"text": pa.array(texts, pa.string()), "translation": pa.array(made, pa.string())}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_bytes(folder / _name(buffer.getvalue()), buffer.getvalue())


def _name(content: bytes) -> str:
    """The name of a shard's file, by which it is known to be whole."""
    return f"{sums.of_bytes(content).sha256[:24]}.parquet"
