"""Files in a folder of this machine, or of a disk that several machines share.

A name is a path below the folder, and no link leads out of it (`inside`). A file is written under a
hidden name and then renamed, so that it is whole. `swap` compares and replaces under a kernel lock
on `.lock` beside the file, which is held only during the swap and ends with its process. Files are
on the disk when a method returns, but for those that are `fleeting`: what they say ends with the
processes that wrote it, so they need not outlive a power cut. Hidden
names (`.lock`, unfinished files, scratch folders) belong to this module and are never listed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xstilts.errors import StoreError
from xstilts.store.files import required
from xstilts.store.inside import inside
from xstilts.store.local_files import store_error, sync_folder, write_bytes


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

    def write(self, name: str, content: bytes) -> None:
        """Writes a whole file and waits until it is on the disk."""
        write_bytes(self._path(name), content)

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Compares and replaces under a lock. What takes time is done before: whoever is stopped
        while it has the lock blocks all others.
        """
        path, durable = self._path(name), self._durable(name)
        made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        if after is not None:
            _write_hidden(made, after, durable)
        try:
            with _locked(path.parent / ".lock"):
                if self.read(name) != before:
                    return False
                if after is not None:
                    os.replace(made, path)
                elif before is not None:
                    self.remove(name)
            if durable:
                sync_folder(path.parent)
            return True
        except OSError as error:
            raise store_error(error, path) from error
        finally:
            made.unlink(missing_ok=True)

    def remove(self, prefix: str) -> None:
        """Removes a file or folder."""
        path = self._path(prefix)
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise store_error(error, path) from error

    def folder(self, prefix: str) -> Path:
        """The folder itself: nothing is copied."""
        return self._path(prefix)

    def keep(self, local: Path, prefix: str) -> None:
        """Renames the folder to its place, or copies it there from another disk."""
        target = self._path(prefix)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if local.stat().st_dev != target.parent.stat().st_dev:
                local = _copied(local, target)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(local, target)
            sync_folder(target.parent)
        except OSError as error:
            raise store_error(error, target) from error

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
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise store_error(error, path) from error
    finally:
        os.close(lock)
