"""What is found in rows before they are used, and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.data.reading.role_tables import questions
from tests.support import worlds
from xstilts.data import looked, task_data
from xstilts.data.reading import sources
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Limits, Source, Splits, Task


def test_rows_found_good_are_not_read_again_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    first = looked.look(task, "train", context)
    assert not first.problems
    assert [(one.use, one.language, one.rows) for one in first.facts] == [
        ("train", "en", 40),
        ("dev", "en", 10),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(sources, "read", None)
        assert looked.look(task, "train", context) == first
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", [{"body": "w", "verdict": "odd"}])
    (problem,) = looked.look(task, "train", context).problems
    assert "labels outside the table" in problem
    assert looked.look(task, "train", context).problems == [problem], "looked at every time"


def test_a_damaged_note_of_what_was_found_is_made_again(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    first = looked.look(task, "train", context)
    kept = sorted((Path(context.cache) / "looked").iterdir())
    assert len(kept) == 2
    kept[0].write_text('{"task": 1}')
    kept[1].write_text("{")
    assert looked.look(task, "train", context) == first


def test_rows_with_a_hidden_label_are_left_out_and_counted(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    rows = [{"body": "w", "verdict": label} for label in (0, 1, -1)]
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", rows)
    dev = looked.look(task, "train", context).facts[1]
    assert dev.rows == 2
    assert dict(dev.left_out) == {"rows with a hidden label (-1)": 1}


def test_labels_are_counted_for_each_use(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    sorted_rows = worlds.reviews(8, 0)[::2] + worlds.reviews(8, 0)[1::2]
    worlds.write_jsonl(tmp_path / "reviews/train.jsonl", sorted_rows)
    cut = task.model_copy(update={"splits": Splits(train="train[:50%]", dev="train[50%:]")})
    train, dev = looked.look(cut, "train", context).facts
    assert (dict(train.labels), dict(dev.labels)) == (
        {"bad": 4, "good": 0},
        {"bad": 0, "good": 4},
    )


def test_limit_counts_only_what_lies_before_its_end(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    rows = [{"body": "w", "verdict": label} for label in (-1, 0, 1, -1, 0, -1, -1)]
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", rows)
    limited = task.model_copy(update={"limits": Limits(dev=2)})
    dev = looked.look(limited, "train", context).facts[1]
    assert (dev.rows, dict(dev.left_out)) == (2, {"rows with a hidden label (-1)": 1})


def question_world(folder: Path, *given: list[tuple[str, int]], **changes: object) -> Task:
    """Span QA whose every split is one file of questions."""
    columns = questions(*given)  # type: ignore[arg-type]
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    worlds.write_jsonl(folder / "q.jsonl", rows)
    fields: dict[str, object] = {
        "name": "who",
        "format": "span_qa",
        "source": Source(files=("q.jsonl",)),
        "metric": "qa_mean",
        "splits": Splits(train="train", dev="train", test="train"),
    }
    return Task.model_validate({**fields, **changes})


def test_questions_without_an_answer_are_doubtful_unless_they_may_have_none(
    tmp_path: Path,
) -> None:
    given: list[list[tuple[str, int]]] = [[("cat", 4)], [], [], [("cat", 4)]]
    task, context = question_world(tmp_path, *given), worlds.context(tmp_path)
    (test,) = looked.look(task, "evaluate", context).facts
    assert (test.rows, dict(test.left_out)) == (2, {"questions without an answer": 2})
    (doubt,) = test.doubts
    assert doubt.startswith("2 of 4 questions have no answer and are left out")
    assert "options: {no_answer: true}" in doubt
    allowed = question_world(tmp_path, *given, options={"no_answer": True})
    (test,) = looked.look(allowed, "evaluate", context).facts
    assert (test.rows, test.left_out, test.doubts) == (4, {}, ())


def test_lost_answers_are_doubtful_where_they_are_many(tmp_path: Path) -> None:
    context = worlds.context(tmp_path)
    one = question_world(tmp_path, *[[("cat", 4)]] * 19, [("Cat", 4)])
    train, dev = looked.look(one, "train", context).facts
    assert (train.rows, train.doubts) == (19, ())
    assert sum(train.left_out.values()) == 1
    assert (dev.rows, dev.left_out) == (20, {}), "development rows are scored by their text"
    several = question_world(tmp_path, *[[("cat", 4)]] * 18, [("Cat", 4)], [("sat ", 8)])
    train, _ = looked.look(several, "train", context).facts
    assert train.doubts[0].startswith("2 of 20 questions have an answer that does not stand in")


def test_the_same_split_gives_other_rows_to_train_and_to_score(tmp_path: Path) -> None:
    task, context = (
        question_world(tmp_path, [("cat", 4)], [("Cat", 4)]),
        worlds.context(tmp_path),
    )
    tokenizer, hyper = worlds.tokenizer(), Hyperparameters(max_length_tokens=32)
    train = task_data.encoded(task, "train", None, tokenizer, hyper, context)
    dev = task_data.encoded(task, "dev", None, tokenizer, hyper, context)
    assert (len(train.rows), len(dev.rows)) == (1, 2)


def test_a_union_sums_what_its_parts_left_out_before_its_limit(tmp_path: Path) -> None:
    part, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    rows = [{"body": "w", "verdict": label} for label in (0, -1, 1, -1)]
    worlds.write_jsonl(tmp_path / "reviews/test.jsonl", rows)
    named = [part.model_copy(update={"name": name}) for name in ("one", "two")]
    whole = {"source": Source(union=True), "splits": Splits(), "parts": tuple(named)}
    union = part.model_copy(update=whole)
    (test,) = looked.look(union, "evaluate", context).facts
    assert (test.rows, sum(test.left_out.values())) == (4, 4)
    assert dict(test.labels) == {"bad": 2, "good": 2}
    limited = union.model_copy(update={"limits": Limits(test=3)})
    (test,) = looked.look(limited, "evaluate", context).facts
    assert (test.rows, sum(test.left_out.values())) == (3, 2)


def test_many_hidden_labels_beside_others_may_be_a_class(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    rows = [{"text": f"row {i}", "label": i % 3 - 1} for i in range(9)]
    worlds.write_jsonl(tmp_path / "dev.jsonl", rows)
    task = worlds.review_task().model_copy(
        update={
            "source": Source(files=("{split}.jsonl",)),
            "splits": Splits(train="dev", dev="dev", test="dev"),
            "columns": {},
            "languages": ("en",),
        }
    )
    (test,) = looked.look(task, "evaluate", worlds.context(tmp_path)).facts
    assert (test.rows, sum(test.left_out.values())) == (6, 3)
    assert test.doubts[0].startswith("3 of 9 rows have the label -1, which means a hidden one")
    named = task.model_copy(update={"labels": ("-1", "0", "1")})
    (test,) = looked.look(named, "evaluate", worlds.context(tmp_path)).facts
    assert (test.rows, test.left_out, test.doubts) == (9, {}, ())


def test_equal_rows_of_two_uses_and_languages_are_told_apart(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    for language in ("en", "de"):
        shutil.copytree(tmp_path / "reviews", tmp_path / language)
    same = task.model_copy(
        update={
            "languages": ("en", "de"),
            "source": Source(files=("{language}/{split}.jsonl",)),
            "splits": task.splits.model_copy(update={"test": task.splits.dev}),
        }
    )
    for _ in range(2):  # the second time from what was kept
        facts = [
            *looked.look(same, "train", context).facts,
            *looked.look(same, "evaluate", context).facts,
        ]
        assert [(one.use, one.language, one.rows) for one in facts] == [
            ("train", "en", 40),
            ("dev", "en", 10),
            ("test", "en", 10),
            ("test", "de", 10),
        ]
