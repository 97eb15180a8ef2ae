"""What the cluster file installs on its machines, against what is installed here.

A file says it by a wheel and a lock file that it copies, by `pip install name==version`, or by the
name of an image. What it does not say can't be compared, and is said to be unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.clusters.cluster_file import ClusterFile
from xstilts.version import __version__

COMPARED = ("xstilts", "ray", "torch", "mlflow", "optuna", "transformers")
_PIN = re.compile(r"(?<![\w.-])([A-Za-z][\w.-]*?)(?:\[[\w,-]+\])?==([\w.+!]+)")
_IMAGE = re.compile(r"rayproject/ray(?:-ml)?:(\d+\.\d+\.\d+)")


def checks(file: ClusterFile) -> Iterator[Check]:
    """Versions that differ, for head and workers together."""
    said = installed_there(file)
    other, unknown = [], []
    for name in COMPARED:
        here = _here(name)
        there = said.get(name, set())
        if not there:
            unknown.append(name)
        elif len(there) > 1:
            other.append(f"{name}: the file installs {' and '.join(sorted(there))}")
        elif here and _plain(here) not in {_plain(one) for one in there}:
            other.append(f"{name} {there.copy().pop()} there, {here} here")
    needed = [name for name in ("xstilts", "ray") if name in unknown]
    same = ", ".join(f"{name} {said[name].copy().pop()}" for name in COMPARED if name in said)
    yield Check(
        name="versions",
        ok=not other and not needed,
        what="; ".join(other)
        or (
            f"not known: which {' and '.join(needed)} the machines get; neither the file nor what "
            "it copies says it"
            if needed
            else f"the same as here: {same}"
        ),
        fix="install the same there and here: make the wheel anew (`pip wheel --no-deps "
        "--wheel-dir dist/cluster .`) and copy requirements.lock beside it",
        serious=any(one.startswith(("xstilts", "ray")) for one in other),
    )


def installed_there(file: ClusterFile) -> Mapping[str, set[str]]:
    """Package to the versions that the machines will get, as far as the file says."""
    found: dict[str, set[str]] = {}
    for command in (*file.head_setup, *file.worker_setup):
        for name, version in _PIN.findall(command):
            found.setdefault(_name(name), set()).add(version)
        for version in _IMAGE.findall(command):
            found.setdefault("ray", set()).add(version)
        for there, here in file.mounts.items():
            for name, version in _of_mount(command, there, Path(here).expanduser()):
                found.setdefault(_name(name), set()).add(version)
    return found


def _of_mount(command: str, there: str, here: Path) -> Iterator[tuple[str, str]]:
    """Versions of the wheel and the lock file that a command installs from what is copied."""
    for word in re.findall(r"\S+", command):
        if not word.startswith(f"{there.rstrip('/')}/"):
            continue
        pattern = word[len(there.rstrip("/")) + 1 :]
        for file in sorted(here.glob(pattern)) if here.is_dir() else ():
            if file.suffix == ".whl":
                name, version, *_ = file.name.split("-")
                yield name, version
            elif file.is_file():
                yield from _PIN.findall(file.read_text("utf-8", errors="replace"))


def _here(name: str) -> str | None:
    if name == "xstilts":
        return __version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _plain(version: str) -> str:
    """A version without its build, such as torch's `+cpu`."""
    return version.partition("+")[0]
