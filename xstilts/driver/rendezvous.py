"""How the Train workers of a phase find each other on one machine, without an open port.

Torch's own meeting place is a small server in the first worker, which listens on all addresses and
asks nobody who they are. On a cluster that xstilts starts, all workers are on this machine, so a
file in the run's temporary folder does as well. What they then say to each other goes through
sockets on the loopback interface.

A cluster that is joined may have many machines, and keeps torch's server.
"""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import Any

import ray
from ray.train.torch import TorchConfig
from ray.train.torch.config import (
    _set_torch_distributed_env_vars,
    _setup_torch_process_group,
    _TorchBackend,
)

FOLDER_VARIABLE = "XSTILTS_RENDEZVOUS_FOLDER"
"""Environment variable of workers on a cluster that xstilts started: where the files are made."""


def variables(folder: Path) -> dict[str, str]:
    """Environment of workers that meet in a folder; the interfaces that the user chose stay."""
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    chosen = {
        name: os.environ.get(name, loopback)
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    }
    return {FOLDER_VARIABLE: str(folder), **chosen}


def torch_config(backend: str) -> TorchConfig:
    """The configuration of a worker group; `backend` is gloo or nccl."""
    if FOLDER_VARIABLE in os.environ:
        return _OneMachine(backend=backend)
    return TorchConfig(backend=backend)


class _OneMachine(TorchConfig):  # type: ignore[misc]
    @property
    def backend_cls(self) -> type[_TorchBackend]:
        return _ByFile


class _ByFile(_TorchBackend):  # type: ignore[misc]
    """Ray's torch backend, but for the meeting place; a new file for each start of a group."""

    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        file = Path(os.environ[FOLDER_VARIABLE]) / f"group-{uuid.uuid4().hex}"
        worker_group.execute(_set_torch_distributed_env_vars)
        ray.get(
            [
                worker_group.execute_single_async(
                    rank,
                    _setup_torch_process_group,
                    backend=backend_config.backend,
                    world_rank=rank,
                    world_size=len(worker_group),
                    init_method=f"file://{file}",
                    timeout_s=backend_config.timeout_s,
                )
                for rank in range(len(worker_group))
            ]
        )
