"""Targets of XTREME: their languages, their English training rows."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from xstilts.data import task_data
from xstilts.tasks import PUBLISHED


def test_languages_of_xtreme_are_forty_together() -> None:
    names = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")
    assert len({language for name in names for language in PUBLISHED[name].languages}) == 40


def test_hub_english_tydiqa_rows_are_trained_on_and_no_others(hub: Path, tmp_path: Path) -> None:
    context = worlds.context(tmp_path, hub)
    ids = [
        task_data.rows(PUBLISHED["tydiqa"], use, None, context)["id"] for use in ("train", "dev")
    ]
    assert [len(part) for part in ids] == [
        21,
        3,
    ]  # 24 English rows among 216: nine tenths are 21.6, rounded down
    assert all(one.startswith("english-") for part in ids for one in part)
    finnish = task_data.rows(PUBLISHED["tydiqa"], "test", "fi", context)["id"]
    assert finnish and all(one.startswith("finnish-") for one in finnish)
