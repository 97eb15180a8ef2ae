"""`Files` as an object store has them: bytes under names, no folders, local copies to open.

For tests of the seam: what works on this one and on a folder asks nothing of the storage that the
protocol does not promise.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xstilts.errors import LeaseLost
from xstilts.store import sums
from xstilts.store.files import Rubbish, required
from xstilts.store.sums import FileSums


class MemoryFiles:
    """Objects in memory, shared by all that are given the same dict; `local` is for copies."""

    def __init__(
        self,
        objects: dict[str, bytes],
        lock: threading.RLock,
        local: Path,
        owned: tuple[str, str] | None = None,
    ) -> None:
        self.objects, self.lock, self.local, self._owner = objects, lock, local, owned

    @contextmanager
    def _changing(self, name: str) -> Iterator[None]:
        """Around each change: nobody else makes one, and whoever owns the files still does."""
        with self.lock:
            if self._owner and f"{name}/".startswith(f"{self._owner[0]}/"):
                prefix, token = self._owner
                if self.objects.get(f".owner/{prefix}") != token.encode():
                    raise LeaseLost(f"{prefix}: another worker has taken this over")
            yield

    def where(self, name: str) -> str:
        return f"memory://{name}"

    def read(self, name: str) -> bytes | None:
        return self.objects.get(required(name))

    def has(self, name: str) -> bool:
        return required(name) in self.objects

    def names(self, prefix: str) -> list[str]:
        return sorted({rest.split("/")[0] for rest in self._below(required(prefix))})

    def some(self, prefix: str) -> bool:
        return bool(self._below(required(prefix)))

    def sizes(self, prefix: str) -> dict[str, int]:
        return {rest: len(self.objects[f"{prefix}/{rest}"]) for rest in self._below(prefix)}

    def fault(self, prefix: str, meant: FileSums) -> str:
        return sums.fault(self.folder(prefix), meant)

    def write(self, name: str, content: bytes) -> None:
        with self._changing(required(name)):
            self.objects[name] = content

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        with self._changing(required(name)):
            if self.objects.get(name) != before:
                return False
            if after is not None:
                self.objects[name] = after
            else:
                self.objects.pop(name, None)
            return True

    def remove(self, prefix: str) -> None:
        with self._changing(required(prefix)):
            self.objects.pop(prefix, None)
            self.objects.pop(f".owner/{prefix}", None)
            for rest in self._below(prefix):
                self.objects.pop(f"{prefix}/{rest}", None)
        shutil.rmtree(self.local / "scratch" / prefix, ignore_errors=True)

    def move(self, prefix: str, to: str) -> None:
        required(to)
        with self._changing(required(prefix)):
            for rest in self._below(prefix):
                self.objects[f"{to}/{rest}"] = self.objects.pop(f"{prefix}/{rest}")
            self.objects.pop(f".owner/{prefix}", None)

    def folder(self, prefix: str) -> Path:
        required(prefix)
        copy = self.local / "copies" / uuid.uuid4().hex / prefix.rpartition("/")[2]
        for rest in self._below(prefix):
            path = copy / rest
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.objects[f"{prefix}/{rest}"])
        return copy

    def keep(self, local: Path, prefix: str) -> None:
        required(prefix)
        files = [path for path in local.rglob("*") if path.is_file()]
        with self._changing(prefix):
            for rest in self._below(prefix):
                self.objects.pop(f"{prefix}/{rest}", None)
            for path in files:
                self.write(f"{prefix}/{path.relative_to(local).as_posix()}", path.read_bytes())

    def owned(self, prefix: str, token: str, sure: Callable[[], None]) -> MemoryFiles:
        name = f".owner/{required(prefix)}"
        while True:
            before = self.objects.get(name)
            sure()
            with self.lock:
                if self.objects.get(name) == before:
                    self.objects[name] = token.encode()
                    return MemoryFiles(self.objects, self.lock, self.local, (prefix, token))

    def expect(self, prefixes: Iterable[str], having: str) -> set[str]:
        return set()

    def rubbish(self) -> Rubbish:
        return Rubbish([], 0)

    @contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        made = self.local / "scratch" / required(prefix) / uuid.uuid4().hex
        made.mkdir(parents=True)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _below(self, prefix: str) -> list[str]:
        return [
            name[len(prefix) + 1 :] for name in list(self.objects) if name.startswith(f"{prefix}/")
        ]
