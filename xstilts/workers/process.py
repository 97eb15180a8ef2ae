"""The process that a phase runs in: its rank among the workers, and a clean state.

A worker process runs phase after phase. What one phase leaves behind (accelerate's singletons,
random state, thread counts, GPU memory, environment variables) would affect the next, so `clean`
sets it all anew before a phase and frees it afterwards. `World` is the group of workers that share
a phase: one process alone, or a torch.distributed group that Ray Train has set up; this module
never makes or destroys a group.

Phases may run in a thread that is not the main thread, but only one at a time in a process.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist

from xstilts.spec.seeds import subseed
from xstilts.version import __version__
from xstilts.workers.variables import restored

T = TypeVar("T")
_INHERITED = (
    "ACCELERATE_MIXED_PRECISION",
    "ACCELERATE_USE_CPU",
    "ACCELERATE_USE_FSDP",
    "ACCELERATE_USE_DEEPSPEED",
)
_LIBRARIES = ("torch", "transformers", "accelerate", "datasets", "tokenizers", "numpy")
_PLACE = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_THREADS = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM")


@dataclass(frozen=True, kw_only=True)
class World:
    """The workers of one phase. All of them must call each method, in the same order."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the worker that writes."""
        return self.rank == 0

    def from_first(self, value: Any) -> Any:
        """The first worker's value, on all workers."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def on_first(self, work: Callable[[], T]) -> T:
        """Calls `work` on the first worker and returns its result on all; where it fails, all
        workers fail at once.
        """
        if self.size == 1:
            return work()
        value, fault = None, None
        if self.first:
            try:
                value = work()
            except BaseException as error:
                fault = error
        value, failed = self.from_first((value, fault is not None))
        if fault is not None:
            raise fault
        if failed:
            # Not an XstiltsError: the first worker's error decides whether the phase is retried.
            raise RuntimeError("the first worker failed; its own error says why")
        return cast(T, value)

    def gather(self, value: Any) -> list[Any]:
        """All values in the order of ranks, on the first worker; an empty list on the others."""
        if self.size == 1:
            return [value]
        boxes: list[Any] | None = [None] * self.size if self.first else None
        dist.gather_object(value, boxes, dst=0)
        return boxes or []

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Mean over the workers."""
        if self.size > 1:
            dist.all_reduce(value)
            value = value / self.size
        return value

    def lowest(self, vote: int) -> int:
        """The lowest of the workers' votes, on all of them."""
        if self.size == 1:
            return vote
        votes = torch.tensor([vote], device=self.device)
        dist.all_reduce(votes, op=dist.ReduceOp.MIN)
        return int(votes.item())


def world() -> World:
    """This process's world: itself alone, or the torch.distributed group that exists already."""
    device = (
        torch.device("cuda", torch.cuda.current_device())
        if torch.cuda.is_available()
        else torch.device("cpu")
    )
    if dist.is_available() and dist.is_initialized():
        return World(rank=dist.get_rank(), size=dist.get_world_size(), device=device)
    return World(rank=0, size=1, device=device)


@contextmanager
def clean(world: World, *, seed: int, threads: int) -> Iterator[None]:
    """Clears what former phases left, sets threads and seeds, and frees memory at the end."""
    with _environment(world, threads):
        _quiet()
        reset()
        torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        seed_all(subseed(seed, "phase", world.rank))
        try:
            yield
        finally:
            reset()


def seed_all(seed: int) -> None:
    """Seeds python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def reset() -> None:
    """Resets accelerate's singletons and frees the memory of the former phase."""
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    gc.collect()
    _freeze()
    give_back()


def give_back() -> None:
    """Returns free memory to the GPU's driver and to the system.

    Batches of changing shapes fragment glibc's heap: without this a process that trained fifty
    phases in bf16 on a CPU held 5.6 GB, nine tenths of it free.
    """
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@lru_cache
def _freeze() -> None:
    """Once in a process: excludes the objects of imported libraries from garbage collection.

    Each collection would look at half a million of them and free none: 0.4 s, three times a phase.
    """
    gc.freeze()


def _quiet() -> None:
    """Turns off progress bars and load reports: what matters is an error or in the record."""
    import datasets
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()


@contextmanager
def _environment(world: World, threads: int) -> Iterator[None]:
    """Sets the variables that accelerate reads for this world, and restores them afterwards."""
    with restored((*_INHERITED, *_PLACE, "ACCELERATE_TORCH_DEVICE", *_THREADS)):
        for name in (*_INHERITED, *(_PLACE if world.size == 1 else ())):
            os.environ.pop(name, None)
        if world.size > 1:
            os.environ.update(RANK=str(world.rank), WORLD_SIZE=str(world.size))
            os.environ.setdefault("LOCAL_RANK", str(world.rank))
            os.environ.setdefault("LOCAL_WORLD_SIZE", str(world.size))
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(world.device)
        # The tokenizers read the number of their threads at their first use, and keep it.
        os.environ.update(OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
        yield


def provenance(world: World, *, threads: int, started: float) -> dict[str, Any]:
    """Where and with which versions a phase was run; affects no result. `started` is in seconds
    since the epoch.
    """
    ended = time.time()
    cuda = world.device.type == "cuda"
    return {
        "versions": {"xstilts": __version__, **{name: version(name) for name in _LIBRARIES}},
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(world.device) if cuda else platform.machine(),
        "threads": threads,
        "workers": world.size,
        "started": _iso(started),
        "ended": _iso(ended),
        "seconds": ended - started,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


@lru_cache
def version(name: str) -> str:
    """Installed version of a library, or "unknown"."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
