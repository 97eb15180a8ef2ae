"""XTREME's submission folder, read back by a reader of its own and scored again against the
gold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from tests.support.builders import (
    finish_evaluation,
    finish_training,
    predictions_file,
    record_file,
    write_predictions,
)
from tests.support.worlds import context, write_jsonl
from xstilts.errors import InputError
from xstilts.results.submission import FOLDERS, prepare, text, write
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseParent, PhaseSpec
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.ledger import Entry, Ledger, StagePhase
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep
from xstilts.tasks import TASKS

# Hand-made predictions and their gold. Scores by hand: xnli 2 of 3; pawsx 1 of 2; udpos chunks:
# gold DET NOUN NOUN VERB | PUNCT, predicted DET NOUN VERB VERB | PUNCT: gold chunks {DET, NOUN
# NOUN, VERB, PUNCT}, predicted {DET, NOUN, VERB VERB, PUNCT}: 2 right of 4 and 4, F1 50; panx: one
# of two entities found, nothing else predicted: 2 * 1 / (1 + 2), F1 66.67; QA: EM 50, F1 (100 + 50)
# / 2; bucc: 1 right of 2 predicted and 2 true, F1 50; tatoeba 2 of 3.
GOLD_TAGS = {
    "udpos": [["DET", "NOUN", "NOUN", "VERB"], ["PUNCT"]],
    "panx": [["B-PER", "I-PER", "O"], ["B-LOC"]],
}
TAGS = {
    "udpos": [["DET", "NOUN", "VERB", "VERB"], ["PUNCT"]],
    "panx": [["B-PER", "I-PER", "O"], ["O"]],
}
LABELS = {
    "xnli": (["entailment", "neutral", "contradiction"], ["entailment", "neutral", "neutral"]),
    "pawsx": (["0", "1"], ["1", "1"]),
    "tatoeba": (["0", "0", "2"], ["0", "1", "2"]),
}
EXPECTED = {
    "xnli": 200 / 3,
    "pawsx": 50.0,
    "udpos": 50.0,
    "panx": 200 / 3,
    "qa": 62.5,
    "bucc": 50.0,
    "tatoeba": 200 / 3,
}


def _predictions(task: Task) -> pd.DataFrame:
    """The table of a language as a format would write it."""
    if task.format == "span_qa":
        table: dict[str, Any] = {
            "id": ["q1", "q2"],
            "prediction": ["Ä b", "in May"],
            "gold": ['["Ä b"]', '["May 2"]'],
            "exact_match": [1, 0],
            "f1": [1.0, 0.5],
        }
        return pd.DataFrame(table | {"mlqa_exact_match": [1, 0], "mlqa_f1": [1.0, 0.5]})
    if task.format == "tagging":
        gold, found = GOLD_TAGS[task.name], TAGS[task.name]
        sets = [
            (set(get_entities([g], suffix=False)), set(get_entities([p], suffix=False)))
            for g, p in zip(map(_typed, gold), map(_typed, found), strict=True)
        ]
        return pd.DataFrame(
            {
                "id": ["0", "1"],
                "prediction": list(map(json.dumps, found)),
                "gold": list(map(json.dumps, gold)),
                "true_positives": [len(g & p) for g, p in sets],
                "predicted": [len(p) for _, p in sets],
                "gold_chunks": [len(g) for g, _ in sets],
            }
        )
    if task.format == "mining":
        ids = ["de-1|en-7", "de-2|en-8", "de-3|en-9"]
        return pd.DataFrame(
            {
                "id": ids,
                "prediction": ["yes", "yes", "no"],
                "gold": ["yes", "no", "yes"],
                "true_positives": [1, 0, 0],
                "predicted": [1, 1, 0],
                "gold_pairs": [1, 0, 1],
            }
        )
    found, gold = LABELS[task.name]
    ids = [str(i) for i in range(len(gold))]
    correct = [int(p == g) for p, g in zip(found, gold, strict=True)]
    return pd.DataFrame({"id": ids, "prediction": found, "gold": gold, "correct": correct})


def _typed(tags: list[str]) -> list[str]:
    """Tags as seqeval 1.2.2 must see them for parts of speech not to lose a letter."""
    return [tag if tag == "O" or tag[1:2] == "-" else f"I-{tag}" for tag in tags]


def _world(
    folder: Path,
    languages: int | tuple[str, ...] = 2,
    names: tuple[str, ...] = tuple(FOLDERS),
    **changes: Any,
) -> tuple[Store, Path]:
    """A store with one seed of `none` and `squad` on XTREME tasks; `squad` has the better
    development scores.
    """
    store = Store(folder / "store").prepare()
    tasks = {
        name: TASKS[name].model_copy(
            update={
                "languages": TASKS[name].languages[:languages]
                if isinstance(languages, int)
                else languages,
                **changes,
            }
        )
        for name in names
    }
    sweep = Sweep(
        name="s",
        models=(Model(id="test/base"),),
        intermediates=("none", "squad", "mnli"),
        targets=names,
        seeds=(1,),
        tasks=(TASKS["squad"], TASKS["mnli"], *tasks.values()),
    )
    home = store.sweep_folder("s", 1)
    keep_sweep(home, sweep)
    ledger, root = Ledger(home), ModelParent(model="test/base", revision="r")
    for i, label in enumerate(("none", "squad", "mnli")):
        before = "" if label == "none" else _train(store, TASKS[label], root, 50.0)
        for name, task in tasks.items():
            parent = PhaseParent(phase=before) if before else root
            trained = before if not task.trainable else _train(store, task, parent, 50.0 + i % 2)
            spec = PhaseSpec(
                action="evaluate",
                parent=PhaseParent(phase=trained) if trained else root,
                members=(Member(task=task, data_revision="e"),),
                hyper=Hyperparameters(),
            )
            tables = {language: _predictions(task) for language in task.languages}
            phase = finish_evaluation(store, spec, tables, (task.metric,))
            slot = {
                "slot": f"{label}/{name}",
                "kind": "evaluate",
                "model": "base",
                "intermediate": label,
                "task": name,
            }
            stages = [("intermediate", label, before), ("target", name, trained)]
            if trained == before:
                del stages[1]
            lineage = tuple(StagePhase(kind=k, task=t, phase=p) for k, t, p in stages if p)
            ids = {"phase": phase, "lineage": lineage}
            ledger.write(Entry(**slot, **ids, target=name, seed=1, state="done"))
    return store, home


def _train(store: Store, task: Task, parent: Any, value: float) -> str:
    member = Member(task=task, data_revision="d")
    spec = PhaseSpec(action="train", parent=parent, members=(member,), hyper=Hyperparameters())
    return finish_training(store, spec, value)


# -- a reader and scorer of XTREME's files, written for this test


def _sentences(path: Path) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in path.read_text().split("\n")[:-1]:
        if line:
            found[-1].append(line)
        else:
            found.append([])
    return found[:-1]


def _f1(gold: set[Any], found: set[Any]) -> float:
    return 200 * len(gold & found) / (len(gold) + len(found))


def _scored(name: str, path: Path) -> float:
    lines = path.read_text().splitlines()
    if path.suffix == ".json":
        answers = json.loads(path.read_text())
        assert set(answers) == {"q1", "q2"}
        exact = [answers["q1"] == "Ä b", answers["q2"] == "May 2"]
        # q2: "in May" against "May 2" shares one word of two and two: F1 0.5
        return (50.0 if exact == [True, False] else 0.0) / 2 + (100 + 50) / 2 / 2
    if name in TAGS:
        found = _sentences(path)
        chunks = [
            {(i, *chunk) for i, tags in enumerate(side) for chunk in get_entities(_typed(tags))}
            for side in (GOLD_TAGS[name], found)
        ]
        return _f1(chunks[0], chunks[1])
    if name == "bucc":
        return _f1(
            {("de-1", "en-7"), ("de-3", "en-9")}, {tuple(line.split("\t")) for line in lines}
        )
    gold = LABELS[name][1]
    assert len(lines) == len(gold)
    return 100 * sum(line == truth for line, truth in zip(lines, gold, strict=True)) / len(gold)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path, Path, list[Path]]:
    folder = tmp_path_factory.mktemp("submission")
    store, home = _world(folder)
    out = folder / "out"
    return store, home, out, write(store, home, model="base", intermediate="best", seed=1, out=out)


def test_write_every_task_and_language_has_its_file(written) -> None:
    _, _, out, files = written
    names = {str(path.relative_to(out)) for path in files}
    wanted = {
        f"{folder}/test-{language}.{'json' if TASKS[name].format == 'span_qa' else 'tsv'}"
        for name, folder in FOLDERS.items()
        for language in TASKS[name].languages[:2]
    }
    assert names == {*wanted, "notes.txt"}
    assert {path.name for path in out.iterdir() if path.is_dir()} == {
        "xnli",
        "pawsx",
        "udpos",
        "panx",
        "xquad",
        "mlqa",
        "tydiqa",
        "bucc2018",
        "tatoeba",
    }


@pytest.mark.parametrize("name", list(FOLDERS))
def test_write_files_read_back_give_the_stored_scores(written, name: str) -> None:
    store, home, out, _ = written
    scores = [_scored(name, path) for path in sorted((out / FOLDERS[name]).iterdir())]
    expected = EXPECTED["qa" if TASKS[name].format == "span_qa" else name]
    assert scores == pytest.approx([expected] * 2)
    rows = Ledger(home).entries()
    phase = next(e.phase for e in rows if e.target == name and e.intermediate == "squad")
    stored = store.phase(phase).record().evaluated.scores
    assert [
        value for of_language in stored.values() for value in of_language.values()
    ] == pytest.approx([expected] * 2)


def test_write_best_is_the_choice_on_development_scores(written) -> None:
    _, _, out, _ = written
    notes = (out / "notes.txt").read_text()
    # squad has 51 % on every trained target's development set, mnli 50 %; bucc and tatoeba follow
    # the others
    assert all(f"{name}: squad" in notes for name in FOLDERS)


def test_prepare_what_is_missing_is_a_warning(tmp_path: Path) -> None:
    store, home = _world(tmp_path, names=("xnli", "xquad"))
    made = prepare(store, home, model="base", intermediate="none", seed=1)
    assert (
        "tatoeba: not a target of this sweep; the benchmark's average needs all nine"
        in made.warnings
    )
    assert "xnli, ar: 3 of 5,010 rows" in made.warnings
    assert any(one.startswith("xnli: no file for 13 languages: de, el") for one in made.warnings)


def test_prepare_unreadable_predictions_and_strange_labels_are_warnings(tmp_path: Path) -> None:
    store, home = _world(tmp_path, names=("xnli", "bucc"))
    entries = {e.target: e.phase for e in Ledger(home).entries() if e.intermediate == "none"}
    predictions_file(store, entries["xnli"], "ar").write_bytes(b"torn")
    rows = pd.read_parquet(predictions_file(store, entries["xnli"], "bg"))
    write_predictions(store, entries["xnli"], "bg", rows.assign(prediction="maybe"))
    rows = pd.read_parquet(predictions_file(store, entries["bucc"], "de"))
    write_predictions(store, entries["bucc"], "de", rows.assign(id=["1|7", "2|8", "3|9"]))
    made = prepare(store, home, model="base", intermediate="none", seed=1)
    told = "\n".join(made.warnings)
    assert "xnli, ar: its predictions can't be read" in told
    assert "xnli, bg: labels are maybe, not entailment" in told
    assert "bucc, de: sentences have row numbers instead of BUCC's ids" in told
    assert "xnli/test-ar.tsv" not in made.files


def test_write_tatoeba_is_sorted_by_its_english_side_where_the_data_is_at_hand(
    tmp_path: Path,
) -> None:
    # English sentences c, a, b find foreign rows 0, 0, 2; sorted a, b, c: 0, 2, 0
    english = ["c", "a", "b"]
    write_jsonl(
        tmp_path / "tatoeba" / "afr.jsonl",
        [{"source_sentence": f"x{e}", "target_sentence": e} for e in english],
    )
    source = Source(files=("tatoeba/{language}.jsonl",))
    store, home = _world(
        tmp_path, languages=1, names=("tatoeba",), source=source, splits=Splits(test="train")
    )
    keys = {"model": "base", "intermediate": "none", "seed": 1}
    assert prepare(store, home, **keys).files["tatoeba/test-af.tsv"] == b"0\n0\n2\n"
    made = prepare(store, home, **keys, context=context(tmp_path))
    assert made.files["tatoeba/test-af.tsv"] == b"0\n2\n0\n"
    elsewhere = prepare(store, home, **keys, context=context(tmp_path / "nowhere"))
    assert any("lines are in the order of the data" in one for one in elsewhere.warnings)


def test_write_files_of_another_system_are_told_of(tmp_path: Path) -> None:
    store, home = _world(tmp_path, names=("xnli",))
    keys = {"model": "base", "intermediate": "none", "seed": 1, "out": tmp_path / "out"}
    write(store, home, **keys)
    assert "were there before" not in (tmp_path / "out/notes.txt").read_text()
    (tmp_path / "out/panx").mkdir()
    (tmp_path / "out/panx/test-de.tsv").write_text("O\n")
    write(store, home, **keys)
    assert "1 files were there before" in (tmp_path / "out/notes.txt").read_text()


@pytest.mark.parametrize(
    ("key", "value"), [("model", "other"), ("intermediate", "qqp"), ("seed", 9)]
)
def test_write_unknown_system_says_what_there_is(tmp_path: Path, key: str, value: Any) -> None:
    store, home = _world(tmp_path, names=("xnli",))
    with pytest.raises(InputError, match=f"{key} is .* must be one that sweep s has evaluated"):
        write(
            store,
            home,
            **{"model": "base", "intermediate": "none", "seed": 1, key: value},
            out=tmp_path / "out",
        )


@pytest.mark.parametrize("what", ["train_phase", "phase"])
def test_prepare_chooses_nothing_where_the_choice_rests_on_a_damaged_record(
    tmp_path: Path, what: str
) -> None:
    store, home = _world(tmp_path, names=("xnli", "pawsx", "tatoeba"))
    (squad,) = (e for e in Ledger(home).entries() if e.slot == "squad/xnli")
    record_file(store, getattr(squad, what)).write_text("{")
    made = prepare(store, home, model="base", intermediate="best", seed=1)
    assert made.choices == {"pawsx": "squad"}
    assert {name.split("/")[0] for name in made.files} == {"pawsx"}
    unsure = "no intermediate is chosen, since scores that the choice rests on are not readable"
    assert {f"xnli: {unsure}", f"tatoeba: {unsure}"} <= set(made.warnings)
    assert any(getattr(squad, what) in one for one in made.warnings)


def test_prepare_system_whose_scores_are_damaged_is_in_the_sweep_all_the_same(
    tmp_path: Path,
) -> None:
    store, home = _world(tmp_path, names=("xnli",))
    (squad,) = (e for e in Ledger(home).entries() if e.slot == "squad/xnli")
    record_file(store, squad.phase).write_text("{")
    made = prepare(store, home, model="base", intermediate="squad", seed=1)
    assert made.files == {}
    assert "xnli: squad is not readable" in made.warnings


def test_text_an_empty_sentence_keeps_its_blank_line() -> None:
    columns = {"id": ["0", "1", "2"], "prediction": ['["X"]', "[]", '["Y"]']}
    assert text(TASKS["udpos"], columns) == "X\n\n\nY\n\n"


def test_text_answers_are_json_that_any_locale_reads() -> None:
    made = text(TASKS["xquad"], {"id": ["a"], "prediction": ["Ä"]})
    assert made.isascii()
    assert json.loads(made) == {"a": "Ä"}


def test_prepare_files_have_the_benchmarks_names_for_languages(tmp_path: Path) -> None:
    store, home = _world(tmp_path, names=("xnli",), languages=("zh-CN", "deu", "de", "ja"))
    made = prepare(store, home, model="base", intermediate="none", seed=1)
    assert sorted(made.files) == ["xnli/test-de.tsv", "xnli/test-zh.tsv"]
    assert "xnli, deu: left out, since it is de under another name" in made.warnings
    assert "xnli, ja: no language of the benchmark" in made.warnings
    (lost,) = (one for one in made.warnings if "no file for" in one)
    assert lost.startswith("xnli: no file for 13 languages") and "zh" not in lost
