"""Packages that are missing, or of another version than the one that was tested."""

from __future__ import annotations

from pathlib import Path

from xstilts.checks.doctor import packages


def test_packages_missing_one_is_serious_and_names_it() -> None:
    (check,) = packages.packages({"no-such-package-here": "1.0"})
    assert check.state == "fail"
    assert "no-such-package-here is missing" in check.what


def test_packages_other_minor_version_is_advice() -> None:
    (check,) = packages.packages({"pydantic": "1.2.3"})
    assert check.state == "warn"
    assert "(tested: 1.2.3)" in check.what


def test_packages_table_is_what_the_lock_file_pins() -> None:
    lock = (Path(__file__).parents[3] / "requirements.lock").read_text().splitlines()
    pinned = dict(
        line.split(";")[0].strip().split("==")
        for line in lock
        if "==" in line and line[0].isalpha()
    )
    assert {name: pinned[name].split("+")[0] for name in packages.TESTED} == dict(packages.TESTED)
