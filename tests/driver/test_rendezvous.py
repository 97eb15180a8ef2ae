"""Where the Train workers of a phase meet: a file on one machine, torch's server on several.

That groups train in both ways is tested in test_engine.py, and in test_own_cluster.py that those of
one machine open no port to others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend

from xstilts.driver import rendezvous


def test_workers_of_one_machine_meet_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rendezvous.variables(Path("/run/tmp")).items():
        monkeypatch.setenv(name, value)
    config = rendezvous.torch_config("gloo")
    assert config.backend == "gloo"
    assert config.backend_cls is not _TorchBackend
    assert issubclass(config.backend_cls, _TorchBackend)


def test_workers_of_a_cluster_that_was_joined_use_torch_s_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(rendezvous.FOLDER_VARIABLE, raising=False)
    assert rendezvous.torch_config("nccl") == TorchConfig(backend="nccl")


def test_workers_of_one_machine_talk_over_loopback_unless_the_user_chose_an_interface(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NCCL_SOCKET_IFNAME", raising=False)
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth0")
    given = rendezvous.variables(Path("/run/tmp"))
    assert given["GLOO_SOCKET_IFNAME"] == "eth0"
    assert given["NCCL_SOCKET_IFNAME"] in ("lo", "lo0")
