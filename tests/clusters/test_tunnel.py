"""The tunnel to a head: the words of its command, its life, and what ssh's refusal becomes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.fake_dashboard import TOKEN, fake_dashboard
from xstilts.clusters import tunnel as tunnels
from xstilts.clusters.tunnel import command, tunnel
from xstilts.errors import EngineError

FORWARDS = """#!{python}
import json, os, socket, sys, threading
open({folder!r} + "/words", "w").write(json.dumps([os.getpid(), *sys.argv[1:]]))
_, host, port, _ = "", *sys.argv[sys.argv.index("-L") + 1].split(":")[:2], ""
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.close()
with socket.create_server((host, int(port))) as server:
    while True:
        one, _ = server.accept()
        other = socket.create_connection(("127.0.0.1", int(os.environ["HEAD_PORT"])))
        threading.Thread(target=pump, args=(one, other), daemon=True).start()
        threading.Thread(target=pump, args=(other, one), daemon=True).start()
"""
"""In the place of ssh: forwards the port to the head's, as `-L` does."""
REFUSES = """#!{python}
import sys
print("Warning: Permanently added a host", file=sys.stderr)
sys.exit("me@10.0.0.5: Permission denied (publickey).")
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a script in the place of ssh."""

    def put(text: str) -> Path:
        script = tmp_path / "bin/ssh"
        script.parent.mkdir(exist_ok=True)
        script.write_text(text.format(python=sys.executable, folder=str(tmp_path)))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path / "words"

    return put


def test_command_has_the_users_name_key_and_proxy_of_the_cluster_file() -> None:
    auth = {
        "ssh_user": "ubuntu",
        "ssh_private_key": "/keys/one.pem",
        "ssh_proxy_command": "nc %h %p",
    }
    words = command("10.0.0.5", auth, 4000)
    assert words[:4] == ["ssh", "-N", "-L", "127.0.0.1:4000:127.0.0.1:8265"]
    assert words[-1] == "ubuntu@10.0.0.5" and words[words.index("-i") + 1] == "/keys/one.pem"
    assert "ProxyCommand=nc %h %p" in words
    assert "BatchMode=yes" in words and "ExitOnForwardFailure=yes" in words


@pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh on this machine")
def test_command_is_one_that_ssh_takes() -> None:
    auth = {"ssh_user": "ubuntu", "ssh_private_key": "/keys/one.pem", "ssh_proxy_command": "nc a"}
    words = command("10.0.0.5", auth, 4000)
    shown = subprocess.run(["ssh", "-G", *words[1:]], capture_output=True, text=True, check=True)
    settings = shown.stdout.splitlines()
    for one in ("user ubuntu", "batchmode yes", "proxycommand nc a"):
        assert one in settings
    assert any(one.startswith("identityfile") for one in settings)
    assert "localforward [127.0.0.1]:4000 [127.0.0.1]:8265" in settings


def test_tunnel_leads_to_the_head_for_the_block_and_ends_with_it(
    ssh: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    words = ssh(FORWARDS)
    with fake_dashboard() as fake:
        monkeypatch.setenv("HEAD_PORT", fake.url.rpartition(":")[2])
        with tunnel("10.0.0.5", {"ssh_user": "me"}) as url:
            assert url.startswith("http://127.0.0.1:") and url != fake.url
            asked = urllib.request.Request(
                f"{url}/api/version", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert b"2.60.0" in answer.read()
            process, *given = json.loads(words.read_text())
            assert psutil.pid_exists(process)
        assert not psutil.pid_exists(process)
    assert TOKEN not in " ".join(given)


def test_head_that_ssh_cannot_reach_is_an_error_with_its_last_words(
    ssh: Callable[[str], Path],
) -> None:
    ssh(REFUSES)
    with (
        pytest.raises(
            EngineError, match=r"10.0.0.5 could not be reached .*Permission denied.*ssh -N"
        ),
        tunnel("10.0.0.5", {"ssh_user": "me"}),
    ):
        pass


def test_machine_without_ssh_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="install openssh"), tunnel("10.0.0.5", {}):
        pass


def test_tunnel_that_never_opens_is_given_up(
    ssh: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(tunnels, "OPEN_SECONDS", 0.3)
    with pytest.raises(EngineError, match="ssh said nothing"), tunnel("10.0.0.5", {}):
        pass
