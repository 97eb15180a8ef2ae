"""The file itself: its rules, what is left to fill in, and what it copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters.checking.world import AWS, GCP, LOCAL, changed, one
from xstilts.clusters import cluster_file
from xstilts.clusters.checking import rules


@pytest.mark.parametrize("shipped", [AWS, GCP, LOCAL], ids=lambda path: path.name)
def test_shipped_file_filled_in_is_well(tmp_path: Path, shipped: Path) -> None:
    (tmp_path / "install").mkdir()
    checks = list(rules.checks(changed(tmp_path, shipped)))
    assert [check.state for check in checks] == ["ok", "ok", "ok"]


def test_broken_rules_are_all_told(tmp_path: Path) -> None:
    file = changed(tmp_path, AWS, ("127.0.0.1", "0.0.0.0"), ("RAY_AUTH_MODE=token", "A=b"))
    check = one(rules.checks(file), "cluster file")
    assert check.state == "fail"
    assert "the dashboard would listen on 0.0.0.0" in check.what
    assert "Ray would let anybody in" in check.what


def test_value_to_fill_in_is_told_once_with_its_places() -> None:
    check = one(rules.checks(cluster_file.read(AWS)), "filled in")
    assert check.state == "fail"
    assert check.what == (
        "`ami-FILL-IN` in head.ImageId and 2 more; `sg-FILL-IN` in head.SecurityGroupIds[0] and 2 "
        "more"
    )


def test_file_to_copy_that_is_missing_is_told_before_a_machine_is_started(tmp_path: Path) -> None:
    check = one(rules.checks(changed(tmp_path, AWS)), "files to copy")
    assert check.state == "fail"
    assert f"~/xstilts-install: {tmp_path}/install is not here" in check.what
