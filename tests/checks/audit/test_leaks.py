"""Evaluation rows in training rows: for every format, exact and weak, and on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.audit.leak_worlds import PAIR, sentence, task
from tests.support.worlds import context, write_jsonl
from xstilts.checks.audit import leaks
from xstilts.checks.audit.leak_report import LeakReport
from xstilts.planning import make_plan
from xstilts.sources.context import DataContext
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Mixture, Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.spec.transforms import Lookup, Transform

Rows = list[dict[str, Any]]


def found(
    folder: Path, intermediates: tuple[Any, ...], targets: tuple[Task, ...], *more: Task
) -> LeakReport:
    """What is found in a sweep over these tasks, whose files are in `folder`."""
    own = [one for one in intermediates if isinstance(one, Task)]
    names = tuple(one.name if isinstance(one, Task) else one for one in intermediates)
    sweep = Sweep(
        name="leaks",
        models=(Model(id="org/model"),),
        intermediates=names,
        targets=tuple(t.name for t in targets),
        tasks=tuple({one.name: one for one in (*own, *targets, *more)}.values()),
        intermediate=Settings(steps=1),
        target=Settings(steps=1),
    )
    return leaks.find(make_plan(sweep), context(folder))


def write(folder: Path, name: str, train: Rows, test: Rows = ()) -> None:
    for split, rows in (("train", train), ("test", test or train[:1])):
        write_jsonl(folder / f"{name}.{split}.jsonl", rows)


def pairs(numbers: range, offset: int = 0) -> Rows:
    return [
        {"text": sentence(i), "text_pair": sentence(i + offset), "label": "no"} for i in numbers
    ]


# -- one test a format: (training rows, evaluation rows of which the first alone leaks)

ANSWER = {"text": ["x"], "answer_start": [0]}
FORMATS: dict[str, tuple[dict[str, Any], Rows, Rows]] = {
    "classification": (
        {"columns": PAIR},
        [{"text": "A man is asleep.", "text_pair": "He sleeps.", "label": "yes"}],
        [
            {"text": "a MAN is  asleep", "text_pair": "He sleeps!", "label": "no"},
            {"text": "A man is asleep.", "text_pair": "He runs.", "label": "no"},
        ],
    ),
    "regression": (
        {"columns": PAIR, "labels": (), "metric": "pearson"},
        [{"text": "A man is asleep.", "text_pair": "He sleeps.", "label": 4.5}],
        [
            {"text": "A man is asleep.", "text_pair": "He sleeps.", "label": 1.0},
            {"text": "A man is asleep.", "text_pair": "He runs.", "label": 1.0},
        ],
    ),
    "multiple_choice": (
        {
            "columns": {
                "context": "context",
                "question": "question",
                "choices": "choices",
                "label": "label",
            }
        },
        [
            {
                "context": "The man turned on the tap.",
                "question": "effect",
                "choices": ["Water.", "Fire."],
                "label": "no",
            }
        ],
        [
            {
                "context": "The man turned on the tap.",
                "question": "effect",
                "choices": ["fire", "water"],
                "label": "yes",
            },
            {
                "context": "The man turned on the tap.",
                "question": "cause",
                "choices": ["Water.", "Fire."],
                "label": "no",
            },
        ],
    ),
    "span_qa": (
        {"labels": ()},
        [{"question": "Who won it?", "context": "x won the final in May.", "answers": ANSWER}],
        [
            {"question": "who won it", "context": "x won the final in May.", "answers": ANSWER},
            {"question": "When was it?", "context": "x won the final in May.", "answers": ANSWER},
        ],
    ),
    "tagging": (
        {},
        [{"tokens": ["The", "cat", "sat", "down", "."], "tags": ["no"] * 5}],
        [
            {"tokens": ["the", "cat", "sat", "down", "!"], "tags": ["yes"] * 5},
            {"tokens": ["The", "cat", "stood", "up", "."], "tags": ["no"] * 5},
        ],
    ),
}


@pytest.mark.parametrize("task_format", FORMATS)
def test_find_whole_row_in_each_format(task_format: str, tmp_path: Path) -> None:
    fields, train, test = FORMATS[task_format]
    write(tmp_path, "first", train)
    write(tmp_path, "target", [dict(row) for row in train[:0]] or _others(train), test)
    search = found(
        tmp_path, (task("first", task_format, **fields),), (task("target", task_format, **fields),)
    )
    whole = [leak for leak in search.leaks if leak.kind == "row"]
    assert [(leak.training, leak.target, leak.rows, leak.of) for leak in whole] == [
        ("first", "target", {"en": 1}, {"en": 2})
    ]
    weak = {leak.kind: leak.rows for leak in search.leaks}.get("text", {})
    assert weak == (
        {} if task_format == "tagging" else {"en": 1}
    )  # the row found whole is not told again


def _others(rows: Rows) -> Rows:
    """Rows of the same shape that share no text with the others."""

    def other(value: Any) -> Any:
        if isinstance(value, str) and value not in ("no", "yes", "x"):
            return f"Something else entirely: {value}"
        return [other(one) for one in value] if isinstance(value, list) else value

    return [
        {
            key: other(value) if key != "answers" else {"text": [""], "answer_start": [0]}
            for key, value in row.items()
        }
        for row in rows
    ]


def test_find_translation_pairs_among_plain_lines_by_each_sentence(tmp_path: Path) -> None:
    lines = task("lines", "masked_lm", labels=())
    write(
        tmp_path,
        "lines",
        [{"text": sentence(1)}, {"text": "Hallo zusammen, alle Leute!"}, {"text": "short"}],
    )
    sides = [
        ("Hallo zusammen, alle Leute", "Hello"),
        ("Guten Morgen allerseits", sentence(1)),
        ("Short", "short"),
    ]
    rows = [{"source_sentence": a, "target_sentence": b} for a, b in sides]
    parallel = task("parallel", "retrieval", labels=(), splits=Splits(test="test"))
    write(tmp_path, "parallel", rows, rows)
    search = found(tmp_path, (lines,), (parallel,))
    (leak,) = search.leaks
    assert (leak.kind, leak.rows, leak.of) == (
        "text",
        {"en": 2},
        {"en": 3},
    )  # "short" is too short to tell


# -- what is looked at


def test_find_without_a_leak_says_how_many_pairs_were_compared(tmp_path: Path) -> None:
    write(tmp_path, "first", pairs(range(10)))
    write(tmp_path, "target", pairs(range(10, 20)), pairs(range(20, 30)))
    search = found(tmp_path, ("none", task("first", columns=PAIR)), (task("target", columns=PAIR),))
    assert search.leaks == []
    assert search.pairs == 2  # first, and the target's own training
    assert search.skipped == []


def test_find_own_training_rows_are_told_as_such(tmp_path: Path) -> None:
    write(tmp_path, "target", pairs(range(10)), pairs(range(5, 15)))
    (leak,) = found(tmp_path, ("none",), (task("target", columns=PAIR),)).leaks
    assert leak.own
    assert leak.share == 0.5
    assert leak.message == (
        "evaluation rows of target are, apart from their labels, in its own training rows: en "
        "5 of 10 (50%)"
    )
    assert leak.examples[0].startswith(
        "Sentence number 5 speaks of the weather. / Sentence number 5"
    )
    assert len(leak.examples) == 2


def test_find_weak_hit_of_a_first_text_is_apart(tmp_path: Path) -> None:
    write(tmp_path, "first", pairs(range(10), offset=100))
    write(tmp_path, "target", pairs(range(50, 60)), pairs(range(9, 13)))
    (leak,) = found(tmp_path, (task("first", columns=PAIR),), (task("target", columns=PAIR),)).leaks
    assert (leak.kind, leak.rows, leak.of) == ("text", {"en": 1}, {"en": 4})
    assert "have a text that is also in the training rows of first" in leak.message


def test_find_looks_into_mixtures_and_unions(tmp_path: Path) -> None:
    write(tmp_path, "one", pairs(range(10)))
    write(tmp_path, "two", pairs(range(20, 30)))
    write(tmp_path, "target", pairs(range(50, 60)), pairs(range(25, 27)))
    one, two, target = (task(name, columns=PAIR) for name in ("one", "two", "target"))
    both = task("both", columns=PAIR, source=Source(union=True), parts=(one, two))
    mixture = Mixture(mixture=("one", "both"))
    search = found(tmp_path, (mixture,), (target,), one, two, both)
    assert [(leak.training, leak.rows) for leak in search.leaks] == [("both", {"en": 2})]


def test_find_looks_at_rows_before_their_transform(tmp_path: Path) -> None:
    changed = Transform(lookup=Lookup(files=("nothing.jsonl",), languages=("de",)))
    write(tmp_path, "first", pairs(range(10)))
    write(tmp_path, "target", pairs(range(50, 60)), pairs(range(3)))
    search = found(
        tmp_path, (task("first", columns=PAIR, transform=changed),), (task("target", columns=PAIR),)
    )
    assert [leak.rows for leak in search.leaks] == [{"en": 3}]
    assert search.skipped == []


def test_find_each_language_is_counted_apart_and_the_worst_told_first(tmp_path: Path) -> None:
    write(tmp_path, "first", pairs(range(10)))
    spoken = task(
        "target",
        columns=PAIR,
        languages=("en", "de"),
        train_language="en",
        source=Source(files=("target.{language}.{split}.jsonl",)),
    )
    write_jsonl(tmp_path / "target.en.train.jsonl", pairs(range(50, 60)))
    write_jsonl(tmp_path / "target.en.test.jsonl", pairs(range(8, 18)))
    write_jsonl(tmp_path / "target.de.test.jsonl", pairs(range(6, 10)))
    (leak,) = found(tmp_path, (task("first", columns=PAIR),), (spoken,)).leaks
    assert leak.rows == {"en": 2, "de": 4}
    assert leak.message.endswith("the training rows of first: de 4 of 4 (100%), en 2 of 10 (20%)")


def test_find_missing_data_is_named_and_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "target", pairs(range(10)), pairs(range(20, 22)))
    search = found(tmp_path, (task("away", columns=PAIR),), (task("target", columns=PAIR),))
    assert search.pairs == 1
    (skipped,) = search.skipped
    assert skipped.startswith("away (train): ")


def test_find_intermediate_with_the_targets_own_training_rows_is_a_repeat(tmp_path: Path) -> None:
    write(tmp_path, "first", pairs(range(10)))
    write(tmp_path, "target", pairs(range(6, 14)), pairs(range(20, 22)))
    search = found(tmp_path, (task("first", columns=PAIR),), (task("target", columns=PAIR),))
    assert search.leaks == []
    (repeat,) = search.repeats
    assert repeat.message == "4 of 8 (50%) training rows of target are also training rows of first"


def test_find_second_time_reads_the_cache_and_changed_data_is_looked_at_again(
    tmp_path: Path,
) -> None:
    write(tmp_path, "target", pairs(range(10)), pairs(range(20, 22)))
    one = task("target", columns=PAIR)
    assert found(tmp_path, ("none",), (one,)).leaks == []
    kept = sorted((tmp_path / "cache" / "fingerprints").iterdir())
    assert found(tmp_path, ("none",), (one,)).leaks == []
    assert sorted((tmp_path / "cache" / "fingerprints").iterdir()) == kept
    write(tmp_path, "target", pairs(range(10)), pairs(range(9, 11)))
    assert [leak.rows for leak in found(tmp_path, ("none",), (one,)).leaks] == [{"en": 1}]


def test_find_few_single_texts_are_a_note_and_few_whole_pairs_a_leak(tmp_path: Path) -> None:
    write(tmp_path, "first", pairs(range(1)))
    write(tmp_path, "other", pairs(range(1), offset=999))
    write(
        tmp_path, "target", pairs(range(2000, 2001)), pairs(range(200))
    )  # one of 200 rows: half a per cent
    first, other, target = (task(name, columns=PAIR) for name in ("first", "other", "target"))
    whole, single = found(tmp_path, (first, other), (target,)).leaks
    assert (whole.training, whole.kind, whole.severity, whole.share) == (
        "first",
        "row",
        "warn",
        0.005,
    )
    assert (single.training, single.kind, single.severity, single.share) == (
        "other",
        "text",
        "note",
        0.005,
    )


def test_find_few_sentences_to_be_tagged_are_a_note(tmp_path: Path) -> None:
    def tagged(numbers: range) -> Rows:
        return [
            {"tokens": sentence(i).split(), "tags": ["no"] * len(sentence(i).split())}
            for i in numbers
        ]

    write(tmp_path, "first", tagged(range(1)))
    write(tmp_path, "target", tagged(range(2000, 2001)), tagged(range(200)))
    (leak,) = found(tmp_path, (task("first", "tagging"),), (task("target", "tagging"),)).leaks
    assert (leak.kind, leak.severity) == ("row", "note")


def test_find_repeat_counts_rows_that_can_be_compared_and_names_a_transform(tmp_path: Path) -> None:
    changed = Transform(lookup=Lookup(files=("nothing.jsonl",), languages=("de",)))
    rows = [{"text": "short", "label": "no"}, {"text": sentence(1), "label": "no"}]
    write(tmp_path, "first", rows)
    write(tmp_path, "target", rows, [{"text": sentence(7), "label": "no"}])
    (repeat,) = found(tmp_path, (task("first", transform=changed),), (task("target"),)).repeats
    assert repeat.message == (
        "1 of 1 (100%) training rows of target are also training rows of first, before "
        "its transform"
    )


# -- real data


def squad_before_xquad(train: str, mirror: Path, cache: Path) -> LeakReport:
    """SQuAD trained on `train`, XQuAD scored in English and German."""
    from xstilts.tasks import TASKS

    squad = TASKS["squad"].model_copy(update={"splits": Splits(train=train, dev="validation")})
    xquad = TASKS["xquad"].model_copy(update={"languages": ("en", "de")})
    sweep = Sweep(
        name="real",
        models=(Model(id="org/model"),),
        intermediates=("none", "squad"),
        targets=("xquad",),
        tasks=(squad, xquad),
    )
    return leaks.find(make_plan(sweep), DataContext(mirror=str(mirror), cache=str(cache)))


def test_find_on_the_mirror_xquad_english_is_squads_validation_split(
    mirror: Path, tmp_path: Path
) -> None:
    (leak,) = squad_before_xquad("validation", mirror, tmp_path).leaks
    assert (leak.kind, leak.training, leak.target) == ("row", "squad", "xquad")
    assert leak.share > 0.95
    assert set(leak.rows) == {"en"}  # German is a translation, which text cannot tell


def test_find_on_the_mirror_xquad_is_not_in_squads_training_split(
    mirror: Path, tmp_path: Path
) -> None:
    assert squad_before_xquad("train", mirror, tmp_path).leaks == []


def test_find_second_time_compares_nothing_and_a_damaged_report_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "first", pairs(range(3, 8)))
    write(tmp_path, "target", pairs(range(10)), pairs(range(7, 12)))
    tasks = (task("first", columns=PAIR),), (task("target", columns=PAIR),)
    whole = found(tmp_path, *tasks)
    assert whole.leaks and whole.repeats
    (file,) = (tmp_path / "cache" / "leaks").iterdir()
    kept = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(leaks, "_compared", None)
        assert found(tmp_path, *tasks) == whole
    for damage in (b"{", b"{}", b"null", kept.replace(b'"found"', b'"lost"'), b"[]"):
        file.write_bytes(damage)
        assert found(tmp_path, *tasks) == whole
        assert file.read_bytes() == kept
