"""Token, shell, key and programs: what lets one in, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters.checking.world import AWS, GCP, LOCAL, changed, one
from xstilts.clusters.checking import access
from xstilts.clusters.token import make_token

SHELL = {"RAY_AUTH_MODE": "token"}


def test_token_is_missing_then_made_then_open_then_empty(tmp_path: Path) -> None:
    file, path = changed(tmp_path, AWS), tmp_path / "auth_token"
    missing = one(access.checks(file, SHELL), "token")
    assert missing.state == "fail" and missing.fix == f"xstilts cluster token {path}"
    make_token(path)
    assert one(access.checks(file, SHELL), "token").ok
    path.chmod(0o644)
    readable = one(access.checks(file, SHELL), "token")
    assert readable.state == "fail" and readable.fix == f"chmod 600 {path}"
    assert "others on this machine may read it (mode 0644)" in readable.what
    path.write_text("\n")
    assert "is empty" in one(access.checks(file, SHELL), "token").what


def test_token_is_in_no_check(tmp_path: Path) -> None:
    make_token(tmp_path / "auth_token")
    secret = (tmp_path / "auth_token").read_text()
    environments = (SHELL, {**SHELL, "RAY_AUTH_TOKEN": "other"}, {})
    for environment in environments:
        checks = list(access.checks(changed(tmp_path, AWS), environment))
        assert not any(secret in check.what + check.fix for check in checks)
        assert not any("other" in check.fix for check in checks)


def test_shell_must_show_the_cluster_s_token(tmp_path: Path) -> None:
    file, path = changed(tmp_path, AWS), tmp_path / "auth_token"
    make_token(path)
    make_token(tmp_path / "another")

    def said(environment: dict[str, str]) -> tuple[str, str]:
        check = one(access.checks(file, environment), "this shell")
        return check.state, check.fix.partition(";")[0] if not check.ok else ""

    assert said({}) == ("warn", "export RAY_AUTH_MODE=token")
    named = {**SHELL, "RAY_AUTH_TOKEN_PATH": str(path)}
    assert said(named) == ("ok", "")
    assert said({**SHELL, "RAY_AUTH_TOKEN": path.read_text()}) == ("ok", "")
    assert said({**SHELL, "RAY_AUTH_TOKEN": "x"}) == ("warn", "unset RAY_AUTH_TOKEN")
    other = {**SHELL, "RAY_AUTH_TOKEN_PATH": str(tmp_path / "another")}
    assert said(other) == ("warn", f"export RAY_AUTH_TOKEN_PATH={path}")


def test_key_of_ssh_is_looked_at_where_the_file_names_one(tmp_path: Path) -> None:
    assert not [
        check for check in access.checks(changed(tmp_path, AWS), SHELL) if "SSH" in check.name
    ]
    key = tmp_path / "key"
    file = changed(tmp_path, LOCAL, ("~/.ssh/xstilts", str(key)))
    missing = one(access.checks(file, SHELL), "SSH key")
    assert missing.state == "fail" and "ssh-keygen -t ed25519" in missing.fix
    key.write_text("key")
    key.chmod(0o640)
    assert f"chmod 600 {key}" in one(access.checks(file, SHELL), "SSH key").fix
    key.chmod(0o600)
    assert one(access.checks(file, SHELL), "SSH key").ok


def test_programs_that_ray_up_calls_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(access, "find_spec", lambda name: None)
    check = one(access.checks(changed(tmp_path, GCP), SHELL), "programs here")
    assert check.state == "fail"
    assert check.fix == (
        "apt-get install ssh rsync, pip install google-api-python-client google-auth-httplib2"
    )


def test_machines_of_one_s_own_need_the_older_autoscaler(tmp_path: Path) -> None:
    file = changed(tmp_path, LOCAL)
    assert one(access.checks(file, SHELL), "autoscaler").state == "fail"
    chosen = {**SHELL, "RAY_UP_enable_autoscaler_v2": "0"}
    assert one(access.checks(file, chosen), "autoscaler").ok
    assert "autoscaler" not in [
        check.name for check in access.checks(changed(tmp_path, AWS), SHELL)
    ]
