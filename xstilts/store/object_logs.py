"""A file that is only appended to, kept in an object store: a sweep's ledger, Optuna's journal.

    <prefix>/<generation>/<chunk>    pieces of the file, in order; both are numbers

An object can't be appended to, so the last piece is written again, longer, if it is still as this
writer left it; a piece of 128 KB is followed by a new one. So 30,000 lines are about a hundred
objects, a line costs one small write, and of two writers the one that comes too late gets
LeaseLost: its piece was not as it left it. Who writes a damaged file anew begins a new generation;
the newest counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from xstilts.errors import LeaseLost, StoreError
from xstilts.store.local_files import store_error, write_bytes
from xstilts.store.objects import Found, Objects

CHUNK_BYTES = 128 * 1024
"""Size from which a piece is not made longer."""


class _Last(NamedTuple):
    """The piece that is written next."""

    number: int
    content: bytes
    tag: dict[str, str]


class ObjectLog:
    """One such file and its copy on this machine. One writer, who pulls it first."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects, self._prefix = objects, prefix
        self._generation = 0
        self._last: _Last | None = None

    def pull(self, path: Path, *, exactly: bool = False) -> bytes | None:
        """Brings the copy at `path` up to date, and returns its content if that was written; None
        where it stays as it is, and where there is nothing in the store.

        A copy that has more than the store stays, unless it must be `exactly` as the store has it:
        its writer is about to send the rest, or was killed before it could.
        """
        keys = self._newest()
        try:
            local = path.read_bytes() if path.exists() else b""
            if not keys:
                if exactly and local:
                    path.unlink()
                return None
        except OSError as error:
            raise store_error(error, path) from error
        content = self._content(keys, local)
        if local == content or (local.startswith(content) and not exactly):
            return None
        write_bytes(path, content)
        return content

    def _newest(self) -> list[tuple[str, int]]:
        """Keys and sizes of the pieces of the newest generation, in order."""
        found: dict[int, list[tuple[int, str, int]]] = {}
        for one in self._objects.listed(self._prefix):
            generation, _, number = one.key.removeprefix(f"{self._prefix}/").partition("/")
            if generation.isdigit() and number.isdigit():
                found.setdefault(int(generation), []).append((int(number), one.key, one.size))
        self._generation, self._last = max(found, default=0), None
        pieces = sorted(found.get(self._generation, ()))
        if [number for number, _, _ in pieces] != [*range(len(pieces))]:
            raise StoreError(
                f"{self._objects.where(self._prefix)}: a piece of it is gone; put it back from an "
                "earlier version of the bucket, or move the whole prefix away"
            )
        return [(key, size) for _, key, size in pieces]

    def _content(self, keys: list[tuple[str, int]], local: bytes) -> bytes:
        """The whole file; what `local` has of it is not read again. A line holds the sum of all
        before it, so that one piece that is the same shows that those before it are.
        """
        starts = [sum(size for _, size in keys[:number]) for number in range(len(keys))]
        last = self._read(keys[-1][0])
        self._last = _Last(int(keys[-1][0].rpartition("/")[2]), last.content, last.tag)
        if local[starts[-1] :].startswith(last.content) and len(local) > starts[-1]:
            return local[: starts[-1]] + last.content
        whole = [n for n, (_, size) in enumerate(keys[:-1]) if starts[n] + size <= len(local)]
        known = 0
        if whole and local[starts[whole[-1]] :].startswith(self._read(keys[whole[-1]][0]).content):
            known = whole[-1] + 1
        rest = self._objects.together(self._read, [key for key, _ in keys[known:-1]])
        return b"".join([local[: starts[known]], *(one.content for one in rest), last.content])

    def _read(self, key: str) -> Found:
        found = self._objects.get(key)
        if found is None:
            raise StoreError(f"{self._objects.where(key)}: this piece of the file is gone")
        return found

    # -- writing

    def append(self, content: bytes) -> None:
        """Appends to what was pulled. LeaseLost where another writer has done so since."""
        last = self._last
        if last is None or len(last.content) >= CHUNK_BYTES:
            number = 0 if last is None else last.number + 1
            tag = self._objects.create(self._key(number), content)
        else:
            number, content = last.number, last.content + content
            tag = self._objects.replace(self._key(number), content, last.tag)
        if tag is None:
            raise LeaseLost(
                f"{self._objects.where(self._prefix)}: another run of this sweep writes it now; "
                "this one ends"
            )
        self._last = _Last(number, content, tag)

    def write_anew(self, content: bytes) -> None:
        """Begins a new generation with this content. LeaseLost where another writer has."""
        self._generation, self._last = self._generation + 1, None
        self.append(content)

    def _key(self, number: int) -> str:
        return f"{self._prefix}/{self._generation:04d}/{number:06d}"
