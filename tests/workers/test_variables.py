"""Variables have their values again after the block, whatever happened in it."""

from __future__ import annotations

import os

import pytest

from xstilts.workers.variables import restored


def test_variables_are_what_they_were_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XSTILTS_KEPT", "before")
    monkeypatch.setenv("XSTILTS_LOST", "there")
    monkeypatch.delenv("XSTILTS_NEW", raising=False)
    names = ("XSTILTS_KEPT", "XSTILTS_LOST", "XSTILTS_NEW")
    with pytest.raises(ValueError), restored(names):
        os.environ.update(XSTILTS_KEPT="other", XSTILTS_NEW="new")
        del os.environ["XSTILTS_LOST"]
        raise ValueError
    assert [os.environ.get(name) for name in names] == ["before", "there", None]
