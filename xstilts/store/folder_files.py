"""Files in a folder of this machine, or of a disk that several machines share.

A name is a path below the folder, and no link leads out of it (`inside`). A file is written under a
hidden name and then renamed, so that it is whole. `swap` compares and replaces under a kernel lock
on `.lock` beside the file, which is held only during the swap and ends with its process. Files are
on the disk when a method returns, but for those that are `fleeting`: what they say ends with the
processes that wrote it, so they need not outlive a power cut. Hidden names (`.lock`, `.owners`,
unfinished files, scratch folders) belong to this module and are never listed.

The owner of `phases/<id>` is named in `phases/.owners/<id>`. An owner makes each file aside, then
looks at that name and renames the file to its place, both under a kernel lock on the name. Whoever
takes the files over writes its own name under the same lock. So a process that is stopped anywhere
but under the lock finds on waking that it is not the owner; one that is stopped under the lock, for
which it would have to be stopped within some microseconds, blocks who would take over until it is
woken or ended, as with every kernel lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xstilts.errors import LeaseLost, StoreError
from xstilts.store import sums
from xstilts.store.files import Rubbish, required
from xstilts.store.inside import inside
from xstilts.store.local_files import store_error, sync_folder, written_aside
from xstilts.store.sums import FileSums


class FolderFiles:
    """`Files` below one folder. Holds no state but its path."""

    def __init__(self, root: Path, *, fleeting: str = "leases") -> None:
        """`fleeting`: the first part of the names of such files."""
        self.root, self._fleeting = root, fleeting

    def _durable(self, name: str) -> bool:
        return name.split("/")[0] != self._fleeting

    def _path(self, name: str) -> Path:
        return inside(self.root, required(name))

    def where(self, name: str) -> str:
        """The path."""
        return f"{self.root}/{name}"

    def read(self, name: str) -> bytes | None:
        """The content; None where there is none."""
        try:
            return self._path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            reason = error.strerror or error
            raise StoreError(f"{self.where(name)}: can't be read ({reason})") from error

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        try:
            return stat.S_ISREG(os.stat(self._path(name)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise store_error(error, self._path(name)) from error

    def names(self, prefix: str) -> list[str]:
        """Names directly under a prefix."""
        try:
            return sorted(one for one in os.listdir(self._path(prefix)) if one[0] != ".")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise store_error(error, self._path(prefix)) from error

    def some(self, prefix: str) -> bool:
        """Whether there is a name under a prefix."""
        try:
            with os.scandir(self._path(prefix)) as there:
                return any(one.name[0] != "." for one in there)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise store_error(error, self._path(prefix)) from error

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of the files under a prefix."""
        found: dict[str, int] = {}
        for name in self.names(prefix):
            place = f"{prefix}/{name}"
            try:
                status = os.stat(self._path(place))
            except FileNotFoundError:  # removed in the meantime
                continue
            except OSError as error:
                raise store_error(error, self._path(place)) from error
            if stat.S_ISDIR(status.st_mode):
                found.update({f"{name}/{rest}": n for rest, n in self.sizes(place).items()})
            else:
                found[name] = status.st_size
        return found

    def fault(self, prefix: str, meant: FileSums) -> str:
        """How files differ from what they are meant to be."""
        return sums.fault(self._path(prefix), meant)

    @contextmanager
    def _changing(self, path: Path, *, removes: bool = False) -> Iterator[None]:
        """Around each visible change; an owner's files ask here whether they still are. Who removes
        what is owned ends that.
        """
        name = _name_of_owner(path)
        if not removes or not name.exists():
            yield
            return
        with _locked(name):
            yield
            _write_over(name, b"")

    def _still(self, path: Path) -> None:
        """Before anything is made that others do not see; an owner's files ask here too."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a whole file and waits until it is on the disk."""
        path = self._path(name)
        self._still(path)
        with written_aside(path, content) as made, self._changing(path):
            os.replace(made, path)
            sync_folder(path.parent)

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Compares and replaces under a lock. What takes time is done before: whoever is stopped
        while it has the lock blocks all others.
        """
        path, durable = self._path(name), self._durable(name)
        self._still(path)
        made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        if after is not None:
            _write_hidden(made, after, durable)
        try:
            with self._changing(path), _locked(path.parent / ".lock"):
                if self.read(name) != before:
                    return False
                if after is not None:
                    os.replace(made, path)
                elif before is not None:
                    path.unlink()
            if durable:
                sync_folder(path.parent)
            return True
        except OSError as error:
            raise store_error(error, path) from error
        finally:
            made.unlink(missing_ok=True)

    def remove(self, prefix: str) -> None:
        """Removes a file or folder. A folder is renamed first, so that no part of it is seen."""
        path = self._path(prefix)
        try:
            with self._changing(path, removes=True):
                if not path.is_dir() or path.is_symlink():
                    path.unlink()
                    return
                gone = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
                os.replace(path, gone)
            shutil.rmtree(gone)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise store_error(error, path) from error

    def move(self, prefix: str, to: str) -> None:
        """Renames the folder."""
        path, target = self._path(prefix), self._path(to)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._changing(path, removes=True):
                os.replace(path, target)
                sync_folder(target.parent)
                sync_folder(path.parent)
        except OSError as error:
            raise store_error(error, path) from error

    def folder(self, prefix: str) -> Path:
        """The folder itself: nothing is copied."""
        return self._path(prefix)

    def keep(self, local: Path, prefix: str) -> None:
        """Renames the folder to its place, or copies it there from another disk."""
        target = self._path(prefix)
        self._still(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if local.stat().st_dev != target.parent.stat().st_dev:
                local = _copied(local, target)
            old = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            with self._changing(target):
                with suppress(FileNotFoundError):
                    os.replace(target, old)
                os.replace(local, target)
                sync_folder(target.parent)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise store_error(error, target) from error

    def owned(self, prefix: str, token: str, sure: Callable[[], None]) -> FolderFiles:
        """These files, for the owner of a prefix."""
        path = self._path(prefix)
        if prefix.count("/") != 1:
            raise StoreError(f"{path}: only a folder in a folder of the store has an owner")
        name = _name_of_owner(path)
        while True:
            before = _owner(name)
            sure()
            with _locked(name):
                if _owner(name) == before:
                    _write_over(name, token.encode())
                    return _OwnedFiles(self.root, path, token)

    def expect(self, prefixes: Iterable[str], having: str) -> set[str]:
        """Does nothing: a disk is asked as fast one by one."""
        return set()

    def rubbish(self) -> Rubbish:
        """None: what is left goes with its prefix."""
        return Rubbish([], 0)

    @contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A hidden folder below the prefix."""
        try:
            self._path(prefix).mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self._path(prefix), prefix=".scratch-"))
            folder.chmod(0o755)  # temporary folders are private; a store is shared
        except OSError as error:
            raise store_error(error, self._path(prefix)) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _OwnedFiles(FolderFiles):
    """The files of one owner."""

    def __init__(self, root: Path, owned: Path, token: str) -> None:
        super().__init__(root)
        self._owned, self._token = owned, token.encode()
        self._name = _name_of_owner(owned)

    def _owns(self, path: Path) -> bool:
        return path == self._owned or self._owned in path.parents

    def _still(self, path: Path) -> None:
        if self._owns(path) and _owner(self._name) != self._token:
            raise LeaseLost(
                f"{self._owned}: another worker has taken this over; what this one would have "
                "written is dropped"
            )

    @contextmanager
    def _changing(self, path: Path, *, removes: bool = False) -> Iterator[None]:
        if not self._owns(path):
            yield
            return
        with _locked(self._name):
            self._still(path)
            yield
            if removes and path == self._owned:
                _write_over(self._name, b"")


def _name_of_owner(path: Path) -> Path:
    """Where the owner of a folder is named."""
    return path.parent / ".owners" / path.name


def _owner(name: Path) -> bytes:
    """The token in an owner's file; empty where there is none."""
    try:
        return name.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise store_error(error, name) from error


def _write_over(name: Path, content: bytes) -> None:
    """Writes an owner's file in place: a lock on it is one on its inode."""
    try:
        with open(name, "r+b") as file:
            file.write(content)
            file.truncate()
    except OSError as error:
        raise store_error(error, name) from error


def _write_hidden(path: Path, content: bytes, durable: bool) -> None:
    """Writes a file whose name no reader looks for, so that nothing but its content must be on the
    disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise store_error(error, path) from error


def _copied(local: Path, target: Path) -> Path:
    """A copy of `local` beside `target`, under a hidden name."""
    copy = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    try:
        shutil.copytree(local, copy)
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    return copy


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps other threads and processes out of blocks with the same path."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise store_error(error, path) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise store_error(error, path) from error
        yield
    finally:
        os.close(lock)
