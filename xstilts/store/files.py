"""The seam below the store: files by name, wherever they lie.

A *name* is a path of parts joined by `/` (`phases/<id>/record.json`). A *prefix* is the beginning
of names, whole parts of it (`phases/<id>`). An implementation knows nothing of phases, records or
leases: it keeps bytes under names, and for checkpoints, which libraries want to open and write
themselves, folders of the local disk.

What an object store cannot do is not asked for: no rename, no append, no lock. What must be decided
between several machines, such as who works on a phase, rests on `swap` alone.

Every implementation passes `tests/store/files_contract.py`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """Keeps files by name.

    Threads, processes and machines may use the same files at the same time. A file is seen whole,
    as it was or as it is now, never a part of it; that holds after a crash, too. What a method has
    returned from is seen by all that ask later. Every method raises StoreError, which says what
    could not be done and why, where the storage does not answer, is full or is closed to us; what
    was there before is then still there.
    """

    def where(self, name: str) -> str:
        """What to call this name or prefix in a message to the user: a path, an address."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def names(self, prefix: str) -> list[str]:
        """What lies directly under a prefix, the last parts alone, sorted: files and folders."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole; of several that write at once, one of them stays."""
        ...

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Puts `after` in the place of `before`, or changes nothing and returns False.

        None stands for no file, so this creates a file if there is none (`before` is None), changes
        one that nobody else has changed, and removes it (`after` is None). Of several that try with
        the same `before` exactly one succeeds. A file that is swapped is not to be written with
        `write`.
        """
        ...

    def remove(self, prefix: str) -> None:
        """Removes a file, or all that lies under a prefix; nothing happens where there is nothing.

        Not whole: a crash may leave a part of it.
        """
        ...

    def folder(self, prefix: str) -> Path:
        """A local folder that holds the files under a prefix: to read, not to write to.

        It stays until the process ends or they are removed. Where nothing lies under the prefix it
        is empty or not there.
        """
        ...

    def keep(self, local: Path, prefix: str) -> None:
        """Keeps the files of a local folder under a prefix, in the place of what lay there.

        The folder may come from `scratch` or `folder` of another prefix that is not below this
        one; it is given away, and may be gone afterwards. Each file is whole, the folder may not be
        after a crash: whoever needs to know writes a file that says so, last. Files are as durable
        as their writer made them.
        """
        ...

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """An empty local folder to write to, gone at the end of the block.

        It lies on the same disk as what is kept under the prefix, where there is one, so that
        `keep` and hard links cost little. What a killed process left on a disk of this machine goes
        with `remove(prefix)`.
        """
        ...
