"""What a cluster file installs is read off its commands and what it copies."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from tests.clusters.checking.world import AWS, changed, one
from xstilts.clusters.checking import versions
from xstilts.version import __version__

RAY = metadata.version("ray")


def install(folder: Path, xstilts: str = __version__, ray: str = RAY) -> None:
    """What is copied to the machines."""
    (folder / "install").mkdir()
    (folder / "install" / f"xstilts-{xstilts}-py3-none-any.whl").write_text("")
    (folder / "install" / "requirements.lock").write_text(f"# a comment\nray=={ray}\nnumpy==2\n")


def test_wheel_and_lock_file_of_this_version_are_the_same_as_here(tmp_path: Path) -> None:
    install(tmp_path)
    check = one(versions.checks(changed(tmp_path, AWS)), "versions")
    assert check.ok
    assert check.what == f"the same as here: xstilts {__version__}, ray {RAY}"


def test_another_xstilts_or_ray_is_a_problem(tmp_path: Path) -> None:
    install(tmp_path, xstilts="0.0.9", ray="2.59.0")
    check = one(versions.checks(changed(tmp_path, AWS)), "versions")
    assert check.state == "fail"
    assert check.what == f"xstilts 0.0.9 there, {__version__} here; ray 2.59.0 there, {RAY} here"


def test_two_versions_in_one_file_are_a_problem(tmp_path: Path) -> None:
    install(tmp_path)
    pinned = (
        "worker_setup_commands: []",
        "worker_setup_commands: [\"pip install 'ray[default]==2.1.0'\"]",
    )
    check = one(versions.checks(changed(tmp_path, AWS, pinned)), "versions")
    assert check.state == "fail"
    assert f"ray: the file installs 2.1.0 and {RAY}" in check.what


def test_file_that_does_not_say_what_it_installs_is_told(tmp_path: Path) -> None:
    check = one(versions.checks(changed(tmp_path, AWS)), "versions")
    assert check.state == "warn"
    assert "not known: which xstilts and ray" in check.what


def test_image_names_the_version_of_ray(tmp_path: Path) -> None:
    docker = (
        "worker_setup_commands: []",
        "worker_setup_commands: [docker pull rayproject/ray:2.60.0-gpu]",
    )
    said = versions.installed_there(changed(tmp_path, AWS, docker))
    assert said == {"ray": {"2.60.0"}}


def test_build_of_torch_is_not_another_version(tmp_path: Path) -> None:
    install(tmp_path)
    plain = metadata.version("torch").partition("+")[0]
    with open(tmp_path / "install" / "requirements.lock", "a") as lock:
        lock.write(f"torch=={plain}\n")
    assert one(versions.checks(changed(tmp_path, AWS)), "versions").ok
