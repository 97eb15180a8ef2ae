"""What rewrites the rows of a task: one of four kinds, and what names its translations."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.data.transforms.transform_files import dictionaries, into, switch, with_column
from tests.support import transform_worlds as worlds
from xstilts.data.transforms.rewriters import Rewriter, rewriter_of, translations_key
from xstilts.data.transforms.rows import Dropped, Row
from xstilts.spec.transforms import Translate

ROW = {"text": "A dog.", "label": 0}


def rewriter(folder: Path, transform: dict[str, Any]) -> Rewriter:
    """The rewriter of a classification task's English rows."""
    task = worlds.task(folder, "classification", [{"text": "A dog.", "label": "a"}], transform)
    return rewriter_of(task, "en", worlds.context(folder))


def rewritten(
    one: Rewriter, row: Row = ROW, language: str = "de"
) -> tuple[Row | Dropped, Counter[str]]:
    """The new row, and what was counted."""
    tally = Counter[str]()
    one.prepare(lambda: [(row, language)])
    return one.rewritten(row, language, random.Random(0), tally), tally


def test_rewriter_of_a_dictionary_switches_words_in_the_same_language(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog hund")
    one = rewriter(tmp_path, switch("de"))
    row, tally = rewritten(one)
    assert (row, one.translates) == ({"text": "A hund.", "label": 0}, False)
    assert (tally["words"], tally["words replaced"]) == (2, 1)


def test_rewriter_of_invented_words_counts_each_text_as_often_as_it_stands(tmp_path: Path) -> None:
    one = rewriter(tmp_path, {"pseudo": {}})
    tally = Counter[str]()
    first, again = (one.rewritten(ROW, "en", random.Random(0), tally) for _ in range(2))
    assert first == again != ROW
    assert not one.translates
    assert (tally["words"], tally["words replaced"]) == (4, 4)


def test_rewriter_of_own_translations_looks_up_or_drops(tmp_path: Path) -> None:
    one = rewriter(tmp_path, with_column(tmp_path))
    assert one.translates
    assert rewritten(one)[0] == {"text": "Ein Hund.", "label": 0}
    assert rewritten(one, language="fr")[0] == {"text": "Un chien.", "label": 0}
    assert rewritten(one, {"text": "A cat.", "label": 0})[0] == Dropped(
        "a text without a translation"
    )


def test_rewriter_of_a_model_has_what_it_prepared(model: Path, tmp_path: Path) -> None:
    one = rewriter(tmp_path, into(model, "de"))
    assert one.translates
    assert rewritten(one, {"text": "The dog.", "label": 0})[0] == {"text": "Der Hund.", "label": 0}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"batch_size": 7}, True),
        ({"languages": ("de", "fr")}, True),  # each has a folder of its own below the key
        ({"beams": 4}, False),
        ({"max_new_tokens": 9}, False),
        ({"language_codes": {"de": "deu_Latn"}}, False),
    ],
)
def test_translations_key_sees_what_decides_a_translation(
    model: Path, tmp_path: Path, change: dict[str, Any], same: bool
) -> None:
    spec, context = Translate(model=str(model), languages=("de",)), worlds.context(tmp_path)
    key = translations_key(spec, "en", context)
    assert (translations_key(spec.model_copy(update=change), "en", context) == key) is same
    assert translations_key(spec, "fr", context) != key
