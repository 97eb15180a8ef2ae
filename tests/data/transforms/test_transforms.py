"""Transforms as a whole: rows dealt out to languages, shares, dropped rows, rows that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.transforms.transform_files import with_column
from tests.support import transform_worlds as worlds
from xstilts.data import task_data, transforms
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.spec.transforms import Transform


def test_rows_are_dealt_out_and_those_without_a_translation_dropped(tmp_path: Path) -> None:
    texts = [
        ("A dog.", "It sleeps."),
        ("A dog.", ""),
        ("A cat.", "It sleeps."),
        ("It sleeps.", "A dog."),
    ]
    rows = [{"text": text, "text_pair": pair, "label": "b"} for text, pair in texts]
    task = worlds.task(tmp_path, "classification", rows, with_column(tmp_path))
    made = worlds.made(tmp_path, task)
    assert [(row["text"], row["text_pair"], row["language"]) for row in made] == [
        ("Ein Hund.", "Er schläft.", "de"),
        ("Un chien.", "", "fr"),
        ("Il dort.", "Un chien.", "fr"),
    ]
    assert {row["label"] for row in made} == {1}
    facts = worlds.facts(tmp_path, task)
    assert (facts["rows"], facts["rows_made"], facts["languages"]) == (4, 3, {"de": 2, "fr": 2})
    assert facts["dropped"] == {"a text without a translation": 1}


def test_transform_that_drops_every_row_is_an_error(tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "A cat.", "label": "a"}], with_column(tmp_path)
    )
    with pytest.raises(DataError, match="dropped all 1 rows: a text without a translation"):
        worlds.made(tmp_path, task)


def test_share_and_add_keep_order_and_the_same_rows_whatever_the_limit(tmp_path: Path) -> None:
    rows = [{"text": f"word number {i}", "label": "a"} for i in range(200)]
    half = worlds.task(tmp_path, "classification", rows, {"pseudo": {}, "share": 0.5})
    texts = [row["text"] for row in worlds.made(tmp_path, half)]
    changed = [i for i, text in enumerate(texts) if not text.startswith("word")]
    assert [text.split()[-1] for text in texts] == [str(i) for i in range(200)]
    assert 70 < len(changed) < 130  # 100 expected, standard deviation 7
    fewer = worlds.made(tmp_path, half.model_copy(update={"limits": Limits(train=50)}))
    assert [row["text"] for row in fewer] == texts[:50]
    added = worlds.task(tmp_path, "classification", rows, {"pseudo": {}, "share": 0.5, "add": True})
    assert transforms.expected_rows(200, added) == 300
    both = [row["text"] for row in worlds.made(tmp_path, added)]
    assert both[:200] == [row["text"] for row in rows]
    assert both[200:] == [texts[i] for i in changed]


def test_development_rows_stay_english(tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "a dog", "label": "a"}], {"pseudo": {}}
    )
    assert task_data.rows(task, "dev", None, worlds.context(tmp_path))[0]["text"] == "a dog"


@pytest.mark.parametrize(
    "transform",
    [{"pseudo": {}}, {"dictionary": {"files": ["{language}.txt"], "languages": ["de", "fr"]}}],
)
def test_every_answer_of_squad_still_stands_where_it_says(
    mirror: Path, tmp_path: Path, transform: dict[str, object]
) -> None:
    words = {
        "the": "der",
        "of": "von",
        "in": "im",
        "was": "war",
        "university": "universität",
        "first": "erste",
    }
    (tmp_path / "de.txt").write_text("".join(f"{old} {new}\n" for old, new in words.items()))
    (tmp_path / "fr.txt").write_text("the\tla la\nyear\tannée\n")
    task = Task(
        name="squad",
        format="span_qa",
        metric="f1",
        source=Source(hub="rajpurkar/squad", config="plain_text"),
        splits=Splits(train="train", dev="validation"),
        limits=Limits(train=3000, dev=10),
        transform=Transform(**transform),
    )
    context = DataContext(mirror=str(mirror), base=str(tmp_path), cache=str(tmp_path / "cache"))
    rows = task_data.rows(task, "train", None, context).to_list()
    plain = task_data.rows(
        task.model_copy(update={"transform": None}), "train", None, context
    ).to_list()
    assert len(rows) == 3000 and not worlds.misplaced(rows)
    assert (
        sum(new["context"] != old["context"] for new, old in zip(rows, plain, strict=True)) > 2900
    )
    assert [len(row["answers"]["text"]) for row in rows] == [
        len(row["answers"]["text"]) for row in plain
    ]
