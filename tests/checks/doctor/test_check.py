"""How bad a check says it is."""

from __future__ import annotations

import pytest

from xstilts.checks.doctor.check import Check


@pytest.mark.parametrize(
    ("ok", "serious", "state"),
    [(True, True, "ok"), (True, False, "ok"), (False, False, "warn"), (False, True, "fail")],
)
def test_check_state_is_ok_warn_or_fail(ok: bool, serious: bool, state: str) -> None:
    assert Check(name="disk", ok=ok, what="5 GB", serious=serious).state == state


def test_check_that_fails_is_serious_unless_it_says_otherwise() -> None:
    assert Check(name="disk", ok=False, what="full").state == "fail"
