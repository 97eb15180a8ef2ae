"""Who gets in: the token, this shell's way of using it, the key, and the programs of this machine
that `ray up` calls.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.clusters.cluster_file import TOKEN, ClusterFile
from xstilts.clusters.token import default_token_file

_CLIENTS: Mapping[str, Mapping[str, str]] = {
    "aws": {"boto3": "boto3"},
    "gcp": {
        "googleapiclient": "google-api-python-client",
        "google_auth_httplib2": "google-auth-httplib2",
    },
}
"""Provider to the modules that Ray imports for it, with the package that brings each."""


def checks(file: ClusterFile, environment: Mapping[str, str]) -> Iterator[Check]:
    """Everything about who gets in."""
    yield _token(file)
    yield _here(file, environment)
    yield from _key(file)
    yield _programs(file)
    if file.provider == "local":
        yield _autoscaler(environment)


def _token(file: ClusterFile) -> Check:
    named = file.mounts.get(TOKEN)
    path = Path(named or TOKEN).expanduser()
    wrong, fix = _private(path), f"chmod 600 {path}"
    if not path.is_file():
        wrong, fix = f"{path} is not there", f"xstilts cluster token {path}"
    elif not path.read_text(errors="replace").strip():
        wrong, fix = f"{path} is empty", f"xstilts cluster token --force {path}"
    return Check(
        name="token", ok=not wrong, what=wrong or f"{path}, readable by its user alone", fix=fix
    )


def _private(path: Path) -> str:
    """What is wrong with the mode of a file with a secret."""
    if not path.is_file():
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{path}: others on this machine may read it (mode {mode:04o})" if mode & 0o077 else ""


def _here(file: ClusterFile, environment: Mapping[str, str]) -> Check:
    """Whether `xstilts submit` and Ray's own tools in this shell show the cluster its token."""
    mode = environment.get("RAY_AUTH_MODE", "")
    mounted = Path(file.mounts.get(TOKEN, TOKEN)).expanduser()
    used = default_token_file(environment)
    wrong, fix = "", ""
    if mode != "token":
        wrong = f"RAY_AUTH_MODE is {mode or 'not set'} in this shell"
        fix = "export RAY_AUTH_MODE=token"
    elif environment.get("RAY_AUTH_TOKEN"):
        if environment["RAY_AUTH_TOKEN"].strip() != _text(mounted):
            wrong = f"RAY_AUTH_TOKEN in this shell is another token than {mounted}"
            fix = "unset RAY_AUTH_TOKEN"
    elif _text(used) != _text(mounted):
        wrong = f"this shell's token ({used}) is another than the cluster's ({mounted})"
        fix = f"export RAY_AUTH_TOKEN_PATH={mounted}"
    return Check(
        name="this shell",
        ok=not wrong,
        what=wrong or "RAY_AUTH_MODE=token, with the cluster's token",
        fix=f"{fix}; without it the cluster refuses what is submitted from here",
        serious=False,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _key(file: ClusterFile) -> Iterator[Check]:
    """The key of SSH, where the file names one; otherwise Ray makes it."""
    named = file.auth.get("ssh_private_key")
    if not named:
        return
    path = Path(str(named)).expanduser()
    wrong = _private(path) if path.is_file() else f"{path} is not there"
    yield Check(
        name="SSH key",
        ok=not wrong,
        what=wrong or f"{path}, readable by its user alone",
        fix=f"ssh-keygen -t ed25519 -f {path}, and put {path}.pub on the machines"
        if not path.is_file()
        else f"chmod 600 {path}; ssh refuses a key that others may read",
    )


def _programs(file: ClusterFile) -> Check:
    """What `ray up` calls on this machine; it says so only when the head is running."""
    missing = [name for name in ("ssh", "rsync") if shutil.which(name) is None]
    packages = [
        package
        for module, package in _CLIENTS.get(file.provider, {}).items()
        if find_spec(module) is None
    ]
    fixes = [
        *([f"apt-get install {' '.join(missing)}"] if missing else []),
        *([f"pip install {' '.join(packages)}"] if packages else []),
    ]
    return Check(
        name="programs here",
        ok=not fixes,
        what=f"missing: {', '.join([*missing, *packages])}"
        if fixes
        else "`ray up` finds what it calls on this machine",
        fix=", ".join(fixes),
    )


def _autoscaler(environment: Mapping[str, str]) -> Check:
    given = environment.get("RAY_UP_enable_autoscaler_v2")
    return Check(
        name="autoscaler",
        ok=given == "0",
        what="the one with which all workers are started"
        if given == "0"
        else f"RAY_UP_enable_autoscaler_v2 is {given or 'not set'}: `ray up` would start one "
        "worker of your machines and no more",
        fix="export RAY_UP_enable_autoscaler_v2=0 before `ray up`",
    )
