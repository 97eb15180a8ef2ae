"""Sentences and pairs of them."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from xstilts.data import task_data
from xstilts.tasks import PUBLISHED


def test_hub_word_in_context_reads_the_word_before_its_sentence(hub: Path, tmp_path: Path) -> None:
    first = task_data.rows(PUBLISHED["wic"], "train", None, worlds.context(tmp_path, hub))[0][
        "text"
    ].split()
    assert first[0] == first[1]  # the invented word is the first one of the sentence
