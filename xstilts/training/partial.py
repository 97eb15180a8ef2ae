"""Partial checkpoints, from which a killed phase continues.

    partial/000000420/  a checkpoint taken after update 420
        state.pt        model, optimizer, scheduler, progress
        best.pt         weights of the best evaluation so far (hard-linked while it stays the best)
        manifest.json   size and CRC-32 of each file; without it the folder is ignored

A folder is made locally and then handed to the phase; the checksums reveal one that is incomplete
or was damaged later. The last two are kept: if the newest is damaged the other is used, and if both
are, the phase starts again. Only tensors and plain values are stored and read (`weights_only`).
"""

from __future__ import annotations

import json
import os
import warnings
import zlib
from pathlib import Path
from typing import IO, Any, cast

import torch

from xstilts.errors import CorruptError, StoreError
from xstilts.models.checkpoints import saving
from xstilts.store.inside import inside
from xstilts.store.local_files import write_json
from xstilts.store.phases import Phase

KEPT = 2
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class _Summed:
    """A file that keeps the size and checksum of what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self.sum = file, 0, 0
        self.error: OSError | None = None
        """The error of a failed write, which torch replaces by its own."""

    def write(self, content: Any) -> int:
        try:
            self.file.write(content)
        except OSError as error:
            self.error = error
            raise
        self.size, self.sum = self.size + len(content), zlib.crc32(content, self.sum)
        return len(content)

    def flush(self) -> None:
        self.file.flush()


def write(phase: Phase, step: int, state: dict[str, Any], best: tuple[int, Any] | None) -> None:
    """Keeps a checkpoint taken after update `step`; `best` is (step, weights). Raises StoreError
    if it can't.
    """
    with phase.staging() as made, saving(made):
        files = {"state.pt": _save(made / "state.pt", state)}
        if best is not None:
            files["best.pt"] = _link_best(phase, made, best[0]) or _save(made / "best.pt", best[1])
        manifest = {
            "step": step,
            "phase": phase.id,
            "best": best[0] if best else None,
            "files": files,
        }
        write_json(made / MANIFEST, manifest)
        phase.keep_partial(step, made)
    for old in phase.partials()[KEPT:]:
        phase.drop_partial(old)


def _save(path: Path, value: Any) -> dict[str, int]:
    with open(path, "wb") as file:
        summed = _Summed(file)
        try:
            torch.save(value, cast(IO[bytes], summed))
        except RuntimeError as error:
            raise summed.error or error from None
        file.flush()
        os.fsync(file.fileno())
    return {"size": summed.size, "crc32": summed.sum}


def _link_best(phase: Phase, made: Path, step: int) -> dict[str, int] | None:
    """Links the best weights of the newest checkpoint if they are still the best."""
    for before in phase.partials()[:1]:
        try:
            old = phase.partial(before)
            manifest = json.loads((old / MANIFEST).read_bytes())
            if manifest["best"] == step:
                os.link(old / "best.pt", made / "best.pt")
                return dict(manifest["files"]["best.pt"])
        except (OSError, ValueError, KeyError, CorruptError):
            return None
    return None


def newest(phase: Phase) -> int | None:
    """The update of this phase's newest undamaged checkpoint; damaged ones are skipped with a
    warning.
    """
    for step in phase.partials():
        where, fault = f"partial checkpoint {step} of phase {phase.id}", None
        try:
            path = phase.partial(step)
            where, fault = str(path), _fault(path, phase.id)
        except CorruptError as error:  # it could not be brought to this machine whole
            fault = str(error)
        if fault is None:
            return step
        warnings.warn(
            f"{where}: this partial checkpoint is damaged ({fault}); going on without it",
            stacklevel=2,
        )
    return None


def _fault(path: Path, spec_id: str) -> str | None:
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["phase"] != spec_id:
            return "it is another phase's"
        for name, meant in manifest["files"].items():
            if _sum(inside(path, name)) != (meant["size"], meant["crc32"]):
                return f"{name} is not as it was written"
    except (OSError, ValueError, KeyError, TypeError, StoreError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _sum(path: Path) -> tuple[int, int]:
    size, crc = 0, 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def read(path: Path, *, with_best: bool = True) -> tuple[dict[str, Any], tuple[int, Any] | None]:
    """State and best weights of an undamaged checkpoint, on the CPU; no best unless `with_best`."""
    state = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
    step = json.loads((path / MANIFEST).read_bytes())["best"]
    if step is None or not with_best:
        return state, None
    return state, (step, torch.load(path / "best.pt", map_location="cpu", weights_only=True))
