"""Makes each Python process that finds this folder in PYTHONPATH count its training steps, and do
what it is told to do wrong.

Python imports a module of this name when it starts, so nothing of the package has to know of it.
Each process writes to a file of its own in FAULT_LOG, a line for each update, each partial
checkpoint, and each time that memory runs out: word, phase, step, seconds since 1970. FAULT_PLAN
names a JSON file with what shall happen:

    {"hang": {"step": 40, "how": "sleep"}}      the first process at this step waits for ever;
                    with `"how": "lock"` it keeps Python's lock, with `"always": true` each does
    {"memory": {"rows": 8}}                     micro-batches of more rows run out of memory
    {"strangers": true}                         each node's processes are on a machine of their own
                                                for all others: nobody can judge their leases
    {"leases": "stay"}                          the driver frees no lease of a lost worker
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any


def _plan() -> dict[str, Any]:
    file = os.environ.get("FAULT_PLAN", "")
    return dict(json.loads(Path(file).read_text())) if file and Path(file).exists() else {}


def _note(word: str, phase: str, step: int) -> None:
    with open(Path(os.environ["FAULT_LOG"]) / f"{os.getpid()}.log", "a") as file:
        file.write(f"{word} {phase} {step} {time.time()}\n")


def _first(what: str) -> bool:
    """Whether this is the first process that comes here."""
    try:
        os.close(os.open(Path(os.environ["FAULT_LOG"]) / f"{what}.once", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _hang(how: str) -> None:
    import ctypes

    if how == "lock":
        ctypes.PyDLL(None).sleep(3600)  # unlike CDLL it keeps the lock
    while True:
        time.sleep(3600)


def _training(module: ModuleType) -> None:
    """Counts updates and partial checkpoints of `Training`."""
    after, keep = module.Training.after_update, module.partial.write
    pause = float(os.environ.get("FAULT_PAUSE", 0))

    def after_update(self: Any, step: int) -> bool:
        if self.world.first:
            _note("step", self.spec.id, step)
        time.sleep(pause)
        hang = _plan().get("hang")
        if hang and step == hang["step"] and (hang.get("always") or _first("hang")):
            _note("hang", self.spec.id, step)
            _hang(hang["how"])
        return bool(after(self, step))

    def write(phase: Any, step: int, *rest: Any) -> None:
        keep(phase, step, *rest)
        _note("partial", phase.id, step)

    module.Training.after_update = after_update
    module.partial.write = write
    memory = _plan().get("memory")
    if memory:
        _limit(module.Loop, memory["rows"])


def _limit(loop: Any, rows: int) -> None:
    """A micro-batch of more rows than this runs out of memory, as on a small GPU."""
    import torch

    compute = loop.compute_loss

    def compute_loss(self: Any, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        n = sum(len(chunk["input_ids_BL"]) for chunk in inputs["chunks"])
        if n > rows:
            _note("short", "-", 0)
            raise torch.OutOfMemoryError(f"CUDA out of memory: {n} rows, {rows} fit")
        return compute(self, model, inputs, *rest, **more)

    loop.compute_loss = compute_loss


def _owner(module: ModuleType) -> None:
    """Puts the processes below each raylet on a machine of their own."""
    identity, node = module.process_identity, os.getppid()
    if _plan().get("strangers"):
        module.process_identity = lambda pid: f"node-{node}-{identity(pid)}"


def _lease(module: ModuleType) -> None:
    """Leaves leases to their own rules."""
    if _plan().get("leases") == "stay":
        module.Lease.free_from = lambda self, host, pid: False


PATCHES = {
    "xstilts.training.training": _training,
    "xstilts.store.owner": _owner,
    "xstilts.store.lease": _lease,
}


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: Any, patch: Any) -> None:
        self.loader, self.patch = loader, patch

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.patch(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _Loader(spec.loader, PATCHES[name])
        return spec


if os.environ.get("FAULT_LOG"):
    sys.meta_path.insert(0, _Finder())
