"""Are the installed libraries those that the project was tested with?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from types import MappingProxyType

from xstilts.checks.doctor.check import Check

TESTED: Mapping[str, str] = MappingProxyType(
    {
        "ray": "2.60.0",
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "datasets": "5.2.0",
        "accelerate": "1.15.0",
        "optuna": "5.0.0",
        "mlflow": "3.17.2",
    }
)
"""Versions that the project was tested with; other releases of the same minor version are fine."""
_GPUS = "/proc/driver/nvidia/gpus"
"""Has an entry for each GPU that the driver knows."""


def packages(tested: Mapping[str, str] = TESTED) -> Iterator[Check]:
    """One check of all versions, and one for GPUs that torch can't use."""
    missing, other = [], []
    for name, version in tested.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if found.split("+")[0].split(".")[:2] != version.split(".")[:2]:
            other.append(f"{name} {found} (tested: {version})")
    what = "; ".join([*(f"{name} is missing" for name in missing), *other])
    yield Check(
        name="packages",
        ok=not what,
        what=what or ", ".join(f"{name} {version}" for name, version in tested.items()),
        fix=(
            "install what requirements.lock pins (`make setup`, or `pip install -r "
            "requirements.lock`)"
        ),
        serious=bool(missing),
    )
    gpus = _entries(_GPUS)
    if (
        gpus
        and "torch" in tested
        and "torch" not in missing
        and metadata.version("torch").endswith("+cpu")
    ):
        yield Check(
            name="GPU",
            ok=False,
            what=f"{len(gpus)} GPUs, but a torch without CUDA ({metadata.version('torch')})",
            fix="install torch with CUDA (https://pytorch.org/get-started), or the GPUs stay idle",
            serious=False,
        )


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
