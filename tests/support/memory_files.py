"""`Files` as an object store has them: bytes under names, no folders, local copies to open.

For tests of the seam: what works on this one and on a folder asks nothing of the storage that the
protocol does not promise.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xstilts.store.files import required


class MemoryFiles:
    """Objects in memory, shared by all that are given the same dict; `local` is for copies."""

    def __init__(self, objects: dict[str, bytes], lock: threading.Lock, local: Path) -> None:
        self.objects, self.lock, self.local = objects, lock, local

    def where(self, name: str) -> str:
        return f"memory://{name}"

    def read(self, name: str) -> bytes | None:
        return self.objects.get(required(name))

    def has(self, name: str) -> bool:
        return required(name) in self.objects

    def names(self, prefix: str) -> list[str]:
        return sorted({rest.split("/")[0] for rest in self._below(required(prefix))})

    def sizes(self, prefix: str) -> dict[str, int]:
        return {rest: len(self.objects[f"{prefix}/{rest}"]) for rest in self._below(prefix)}

    def write(self, name: str, content: bytes) -> None:
        self.objects[required(name)] = content

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        required(name)
        with self.lock:
            if self.objects.get(name) != before:
                return False
            if after is not None:
                self.objects[name] = after
            else:
                self.objects.pop(name, None)
            return True

    def remove(self, prefix: str) -> None:
        self.objects.pop(required(prefix), None)
        for rest in self._below(prefix):
            self.objects.pop(f"{prefix}/{rest}", None)
        shutil.rmtree(self.local / "scratch" / prefix, ignore_errors=True)

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
        self.remove(prefix)
        for path in files:
            self.write(f"{prefix}/{path.relative_to(local).as_posix()}", path.read_bytes())

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
