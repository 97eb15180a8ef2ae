"""The seam below the store: files by name, wherever they lie.

A *name* is a path of parts joined by `/` (`phases/<id>/record.json`). No part is empty, begins with
a dot, has a control character or more than 255 bytes (`required`). A *prefix* is one or more
whole parts at the beginning of names (`phases/<id>`). An implementation knows nothing of phases,
records or leases. It keeps bytes under names, and gives folders of the local disk for checkpoints,
which libraries open and write themselves.

Nothing is needed that an object store can't do: no rename, no append, no lock. Decisions between
several machines, such as which one works on a phase, use only `swap`.

Files under a prefix of two parts may be *owned* (`owned`): then what an earlier owner would change
there is refused, whenever its call comes, so that nothing of it is ever seen. This is what a
process meets that was stopped in the middle of its work, woke up, and does not know yet that
another one has taken the work over.

Every implementation must pass `tests/store/files_contract.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from xstilts.errors import StoreError, visible
from xstilts.spec.names import strange
from xstilts.store.sums import FileSums


class Rubbish(NamedTuple):
    """What nobody needs any more of what writers left."""

    keys: list[str]
    bytes: int


class Files(Protocol):
    """Keeps files by name.

    Threads, processes and machines may use the same files at the same time. A reader sees a file
    whole, the old one or the new one, also after a crash. When a method has returned, all later
    readers see its effect. Where the storage does not answer, is full or denies access, every
    method raises StoreError, which says what failed and why, and leaves what was there before.
    So does every method but `where` for what can't be a name or a prefix, before it looks at
    anything; nothing that does not belong to these files is ever read, changed or removed.
    """

    def where(self, name: str) -> str:
        """This name or prefix in a message to the user: a path or an address."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def names(self, prefix: str) -> list[str]:
        """The last parts of the names directly under a prefix, files and folders, sorted."""
        ...

    def some(self, prefix: str) -> bool:
        """Whether there is any file under a prefix; takes no longer where there are many."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """The bytes of every file under a prefix, by the rest of its name; empty where there are
        none.
        """
        ...

    def fault(self, prefix: str, meant: FileSums) -> str:
        """How the files under a prefix of two parts or more differ from what they are meant to be,
        in a few words, where they lie: all of them are read. Empty where they don't.
        """
        ...

    def write(self, name: str, content: bytes) -> None:
        """Writes a whole file; of several writers at once, one wins."""
        ...

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Replaces `before` by `after`, or changes nothing and returns False.

        None means no file: this creates a file if there is none (`before` is None), changes a file
        that nobody else has changed, or removes it (`after` is None). Of several callers with the
        same `before` exactly one succeeds. Never use `write` on a file that is swapped.
        """
        ...

    def remove(self, prefix: str) -> None:
        """Removes a file, or everything under a prefix; does nothing where there is nothing.

        A crash may leave a part of it.
        """
        ...

    def move(self, prefix: str, to: str) -> None:
        """Moves everything under a prefix of two parts to another such prefix, under which nothing
        is; nothing is read, so damaged files are moved as they are. It ends their ownership. A
        crash may leave the files under both.
        """
        ...

    def folder(self, prefix: str) -> Path:
        """A local folder with the files under a prefix of two parts or more, to read only.

        It stays while this object lives, or until the files are removed. Where there are no files,
        it is empty or does not exist.
        """
        ...

    def keep(self, local: Path, prefix: str) -> None:
        """Keeps the files of a local folder under a prefix of two parts or more, replacing what was
        there.

        The folder may come from `scratch`. `local` must not lie below `prefix`. It may be moved, so
        do not use it afterwards. After a crash each file is whole but some may be missing: write a
        file that marks the end last if you need to know. Files are as durable as their writer made
        them.
        """
        ...

    def owned(self, prefix: str, token: str, sure: Callable[[], None]) -> Files:
        """These files, as their new owner has them: `prefix` has two parts, and `token` is the
        owner's alone.

        When this has returned, every method of an earlier owner's files that would change something
        under the prefix raises LeaseLost, also one that has begun, and changes nothing. Files that
        nobody owns (those this method is called on) can be changed by all. Removing the prefix ends
        its ownership.

        `sure` raises LeaseLost where the caller has no right to own the files (any more). It is
        called after what decides has been looked at: if another owner comes between `sure` and the
        end, this one is not the owner, and `sure` is called again.
        """
        ...

    def expect(self, prefixes: Iterable[str], having: str) -> set[str]:
        """Says which prefixes of two parts are about to be read: where each question takes time,
        they are read together. Of those that have a file called `having`, after which little
        changes, what is read in the next minutes may be as old as this call; of others nothing is
        remembered. Returns those of which it is known by that that they lack that file.
        """
        ...

    def rubbish(self) -> Rubbish:
        """What writers left, that were killed or came too late, and that is old enough for nobody
        to need it. A folder has none: what is left there goes with its prefix.
        """
        ...

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """An empty local folder to write to, removed at the end of the block.

        Where the files are on a disk, it is on the same one, so that `keep` and hard links are
        cheap. What a killed process leaves behind on a disk is removed by `remove(prefix)`.
        """
        ...


def required(name: str) -> str:
    """`name` itself, if it can be a name or a prefix; StoreError, which says why not, otherwise."""
    for part in name.split("/"):
        why = strange(part) or ("begins with a dot" if part.startswith(".") else "")
        if why:
            raise StoreError(
                f"{visible(name)!r} can't be the name of a file in the store: a part of it {why}; "
                "the record, ledger or sweep that it comes from is damaged or was made by hand"
            )
    return name
