"""Ray's settings for a cluster of one's own: in force for the block, whenever ray was imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xstilts.driver.ray_settings import RAYLET_SECONDS, START_SECONDS, own_cluster, token_sent

ASKED = """
import os, sys
{first}
from pathlib import Path
from ray._private import ray_constants, services
from ray._raylet import AuthenticationTokenLoader
from xstilts.driver.ray_settings import own_cluster

def now():
    return (
        services.get_node_ip_address() == "127.0.0.1",
        ray_constants.RAY_DASHBOARD_STARTUP_TIMEOUT_S,
        AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=False),
        os.environ.get("RAY_AUTH_MODE"),
        os.environ.get("RAY_raylet_start_wait_time_s"),
    )

print(now())
with own_cluster(Path("/tmp")):
    print(now())
print(now())
"""


@pytest.mark.parametrize("first", ["import ray", ""])
def test_settings_are_in_force_for_the_block_wherever_ray_was_imported(
    first: str, tmp_path: Path
) -> None:
    given = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    asked = subprocess.run(
        [sys.executable, "-c", ASKED.format(first=first)],
        capture_output=True,
        text=True,
        env={**given, "HOME": str(tmp_path)},
        check=True,
    )
    before, within, after = asked.stdout.splitlines()
    assert within == str((True, START_SECONDS, True, "token", str(RAYLET_SECONDS)))
    assert before == after
    assert before.endswith("60, False, None, None)")


def test_settings_are_taken_back_and_what_the_user_has_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "7")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("TMPDIR", "/somewhere")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    before = dict(os.environ)
    with own_cluster(Path("/run/folder")):
        assert dict(os.environ)["RAY_raylet_start_wait_time_s"] == "7"
        assert os.environ["RAY_AUTH_MODE"] == "disabled"
        assert "RAY_AUTH_TOKEN" not in os.environ
        assert os.environ["TMPDIR"] == "/run/folder"
    assert dict(os.environ) == before


def test_each_cluster_has_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    tokens = []
    for _ in range(2):
        with own_cluster(Path("/run/folder")):
            tokens.append(os.environ["RAY_AUTH_TOKEN"])
    assert len(set(tokens)) == 2 and all(len(token) == 32 for token in tokens)


def test_token_is_sent_within_the_block_unless_the_user_has_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ray._raylet import AuthenticationTokenLoader

    def sends() -> bool:
        loader = AuthenticationTokenLoader.instance()
        return bool(loader.has_token(ignore_auth_mode=False))

    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "one")
    with token_sent():
        assert sends()
    assert "RAY_AUTH_MODE" not in os.environ and not sends()
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with token_sent():
        assert not sends()
