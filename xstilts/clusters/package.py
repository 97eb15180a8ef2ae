"""What a job needs of this machine: the sweep file, the files that it names beside it, and the code
of xstilts where the cluster may have another.

Paths stay as the sweep file has them, so nothing is rewritten: the package is a copy of the folders
from the lowest one that holds the sweep file and all that it names by a relative path
(`../data/en.jsonl`, too), with these files alone. A path that begins with `/` or `~` is one of the
cluster's own machines and is not sent; `Package.not_sent` names them. The content of a package is
its name, so what the cluster has already is not sent again.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from xstilts.data.reading.languages import languages_read
from xstilts.data.reading.user_files import user_files
from xstilts.data.transforms.inputs import files as transform_files
from xstilts.errors import DataError, InputError
from xstilts.sources.base_models import GENERATOR, resolve_model, wanted_files
from xstilts.sources.context import DataContext
from xstilts.sources.sweep_models import sweep_models
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task
from xstilts.version import __version__

LIMIT_BYTES = 100 * 2**20
"""Most that a package may hold: Ray refuses more, after the whole upload."""
_SHOWN = 5
_MODULE_FILES = (".py", ".j2", ".html", ".css", ".json")


@dataclass(frozen=True, kw_only=True)
class Package:
    """The files of a sweep, by their path in the package."""

    sweep_file: str
    """The sweep file's path in the package."""
    files: Mapping[str, Path | bytes]
    """Path in the package to the file here, or its content."""
    not_sent: tuple[str, ...] = ()
    """Paths that the sweep names and that must be on the cluster's machines."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Path to the first digits of the content's SHA-256, of all but the sweep file."""

    def zipped(self) -> bytes:
        """The package; equal files make equal packages."""
        return zipped(self.files)


def package(sweep: Sweep, file: str | None, text: bytes, base: str) -> Package:
    """The package of a sweep, whose file has the content `text` and lies in the folder `base`.

    `file`: its name; None where there is none, and it then gets one in `base`. Raises DataError
    where a file is not there, InputError where they are too large for an upload.
    """
    name = Path(base, Path(file).name if file else f"{sweep.name}.json")
    named = _Named(sweep, base)
    root = os.path.commonpath([base, *(str(path.parent) for path in named.files)])
    files: dict[str, Path | bytes] = {
        os.path.relpath(path, root): path for path in sorted(named.files)
    }
    _small_enough(files)
    hashes = {path: _hash(content) for path, content in files.items()}
    files[os.path.relpath(name, root)] = text
    return Package(
        sweep_file=os.path.relpath(name, root),
        files=files,
        not_sent=tuple(named.not_sent),
        hashes=hashes,
    )


class _Named:
    """The files that a sweep names: here, and on the cluster."""

    def __init__(self, sweep: Sweep, base: str) -> None:
        self.files: set[Path] = set()
        self.not_sent: list[str] = []
        self._base = base
        for task in sweep.tasks:
            for one in (task, *task.parts):
                self._task(one)
        for model in sweep_models(sweep):
            self._model(model.id)
        self.not_sent = list(dict.fromkeys(self.not_sent))

    def _task(self, task: Task) -> None:
        patterns = self._here(task.source.files or ())
        if patterns:
            source = task.source.model_copy(update={"files": patterns})
            read = task.model_copy(update={"source": source})
            for language in languages_read(task):
                for paths in user_files(read, language, self._base).splits.values():
                    self._add(paths)
        transform = task.transform
        kind = (transform.lookup or transform.dictionary) if transform else None
        if kind is not None:
            patterns = self._here(kind.files)
            context = DataContext(base=self._base, cache="")
            for language in kind.languages:
                self._add(transform_files(patterns, language, context))

    def _model(self, name: str) -> None:
        if name == GENERATOR or not self._here([name]):
            return
        folder = Path(resolve_model(name, DataContext(base=self._base, cache="")))
        if folder.is_dir():
            names = [one.name for one in folder.iterdir() if one.is_file()]
            self._add(folder / one for one in wanted_files(names))

    def _here(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those that are relative; the others are noted."""
        paths = tuple(paths)
        self.not_sent += [path for path in paths if path.startswith(("/", "~"))]
        return tuple(path for path in paths if not path.startswith(("/", "~")))

    def _add(self, paths: Iterable[Path]) -> None:
        self.files |= {Path(os.path.normpath(Path(self._base, path))) for path in paths}


def _small_enough(files: Mapping[str, Path | bytes]) -> None:
    sizes = {path: _size(content) for path, content in files.items()}
    total = sum(sizes.values())
    if total <= LIMIT_BYTES:
        return
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:_SHOWN]
    shown = ", ".join(f"{path} ({_mib(size)})" for path, size in largest)
    raise InputError(
        f"the files that the sweep names beside it have {_mib(total)}, and at most "
        f"{_mib(LIMIT_BYTES)} can be sent with a job: {shown}; put them where every node of the "
        "cluster reads them, and name them by that path (it begins with `/`), or put models and "
        "datasets into a mirror there (--mirror)"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else _stat(content).st_size


def _stat(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{path}: is no file")
    return found


def _bytes(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise DataError(f"{content}: cannot be read ({error.strerror})") from error


def _hash(content: Path | bytes) -> str:
    return hashlib.sha256(_bytes(content)).hexdigest()[:16]


def zipped(files: Mapping[str, Path | bytes]) -> bytes:
    """A ZIP file; equal files make equal bytes, whatever their dates."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, _bytes(content), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def uri(content: bytes) -> str:
    """The name under which Ray's store of packages keeps this content."""
    return f"gcs://_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip"


# -- the code


@dataclass(frozen=True, kw_only=True)
class Code:
    """The xstilts that runs here."""

    version: str
    """`0.1.0`; of code that is no released version, with the hash of its files:
    `0.1.0+3f2a81c90d4e`.
    """
    released: bool
    """Whether a version says what it is: it was installed, and not from a folder under work."""
    files: Mapping[str, Path]
    """Path below the folder of `xstilts` to the file."""


def code() -> Code:
    """The xstilts that runs here."""
    folder = Path(__file__).resolve().parents[1]
    files = {f"xstilts/{path.relative_to(folder).as_posix()}": path for path in _modules(folder)}
    if _is_released(folder):
        return Code(version=__version__, released=True, files=files)
    whole = hashlib.sha256()
    for name, path in sorted(files.items()):
        whole.update(f"{name} {_hash(path)}\n".encode())
    return Code(version=f"{__version__}+{whole.hexdigest()[:12]}", released=False, files=files)


def _modules(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _MODULE_FILES and path.is_file() and "__pycache__" not in path.parts:
            yield path


def _is_released(folder: Path) -> bool:
    """Whether this code was installed as a package of its version, beside its own list of files."""
    beside = folder.parent / f"xstilts-{__version__}.dist-info"
    try:
        edited = metadata.distribution("xstilts").read_text("direct_url.json") or ""
    except metadata.PackageNotFoundError:
        return False
    return beside.is_dir() and '"editable": true' not in edited
