"""The built-in tasks: what each must state, that data in the hub's own schemas and the mirror's
real data load through them, and that docs/tasks.md says the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import hub_world, worlds
from xstilts.data import task_data
from xstilts.scoring.metrics import METRICS
from xstilts.sources.base_models import resolve_model
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.sweep import Hyperparameters
from xstilts.spec.task import Splits, Task
from xstilts.sweep_file import loads
from xstilts.tasks import GROUPS, PUBLISHED, TASKS, vocabulary, xtreme_r
from xstilts.tasks.syntactic import ENGLISH_SUBTYPES, UNIVERSAL_RELATIONS

INTERMEDIATES = (
    "anli_plus",
    "mnli",
    "snli",
    "anli_r1",
    "anli_r2",
    "anli_r3",
    "qqp",
    "squad",
    "squad_v2",
    "hellaswag",
    "ccg",
    "cosmos_qa",
    "commonsense_qa",
    "social_i_qa",
    "cola",
    "sst2",
    "stsb",
    "rte",
    "mrpc",
    "wic",
    "paws",
    "swag",
    "race",
    "conll2000",
    "deprel",
    "udpos",
    "panx",
)
TARGETS = {
    "xnli": 15,
    "pawsx": 7,
    "udpos": 33,
    "panx": 40,
    "xquad": 11,
    "mlqa": 7,
    "tydiqa": 9,
    "bucc": 4,
    "tatoeba": 36,
    "udpos_r": 38,
    "panx_r": 48,
    "xquad_r": 12,
    "tatoeba_r": 41,
    "xcopa": 11,
    "lareqa": 11,
    "mewsli_x": 11,
}
"""Target to its number of languages in the benchmark's scorer."""
TRAINING_ROWS = {
    "mnli": 392_702,
    "snli": 549_367,
    "anli_r1": 16_946,
    "anli_r2": 45_460,
    "anli_r3": 100_459,
    "rte": 2_490,
    "qqp": 363_846,
    "mrpc": 3_668,
    "paws": 49_401,
    "stsb": 5_749,
    "wic": 5_428,
    "sst2": 67_349,
    "hellaswag": 39_905,
    "swag": 73_546,
    "social_i_qa": 33_410,
    "cosmos_qa": 25_262,
    "commonsense_qa": 9_741,
    "copa": 400,
    "squad": 87_599,
    "squad_v2": 130_319,
    "race": 87_866,
    "squad_pairs": 87_599,
    "ccg": 38_015,
    "conll2000": 8_937,
    "deprel": 12_543,
    "cola": 8_551,
    "xnli": 392_702,
    "pawsx": 49_401,
    "udpos": 21_253,
    "udpos_r": 21_253,
    "panx": 20_000,
    "panx_r": 20_000,
    "tydiqa": 3_696,
    "mewsli_x": 167_719,
}
"""As published (docs/tasks.md says by whom); only on which side of a bound they lie matters here.
"""
CUT = Splits(train="validation[:80%]", dev="validation[80%:]", test="validation[80%:]")
MIRRORED: Mapping[str, dict[str, Any]] = {
    "hellaswag": {"splits": CUT},
    "social_i_qa": {"splits": CUT.model_copy(update={"test": "test"})},
    "xnli": {"splits": CUT.model_copy(update={"test": "test"})},
    "udpos": {
        "splits": Splits(train="train", dev="validation", test="validation"),
        "lacks": ("kk", "th", "tl", "yo"),
    },
    "panx": {
        "splits": Splits(train="train", dev="validation", test="validation"),
        "has": ("en", "de", "es", "fr", "ru", "tr", "hi", "ar", "vi", "sw"),
    },
}
"""What the mirror has in place of the hub's splits and languages."""
ROWS = {
    "squad": (87_599, 10_570),
    "squad_pairs": (None, None),
    "hellaswag": (8_033, 2_009),
    "social_i_qa": (1_563, 2_224),
    "copa": (400, 100),
    "xnli": (1_992, 15 * 5_010),
    "udpos": (21_253, None),
    "panx": (20_000, None),
    "xquad": (None, 11 * 1_190),
    "xquad_r": (None, 12 * 1_190),
    "tatoeba": (None, None),
    "xcopa": (None, 11 * 500),
    "mlm": (None, None),
}
"""What the mirror holds: rows of train and of test over all languages, counted there; None: not
pinned.
"""
BROUGHT = ("ccg", "udpos_r", "lareqa", "mewsli_x", "mlm")
"""Tasks whose rows the user brings."""


def mirrored(name: str) -> Task:
    """The task, with what the mirror has in place of the hub's."""
    task, change = PUBLISHED[name], MIRRORED.get(name, {})
    kept = change.get("has") or tuple(
        one for one in task.languages if one not in change.get("lacks", ())
    )
    return task.model_copy(update={"languages": kept, "splits": change.get("splits", task.splits)})


# --- the table


def test_table_imports_nothing_heavy() -> None:
    heavy = "('torch', 'datasets', 'transformers', 'pyarrow', 'huggingface_hub', 'numpy')"
    program = f"import sys, xstilts.tasks; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert ran.stdout.strip() == "[]"


def test_table_is_read_only_and_named_by_its_tasks() -> None:
    with pytest.raises(TypeError):
        TASKS["mine"] = TASKS["squad"]  # type: ignore[index]
    assert all(task.name == name for name, task in TASKS.items())
    assert set(PUBLISHED) <= set(TASKS)


def test_table_has_the_intermediates_and_targets_of_the_papers() -> None:
    assert {*INTERMEDIATES, *TARGETS, "copa", "squad_pairs", "mlm"} == set(PUBLISHED)
    assert all(
        PUBLISHED[name].has("train") and PUBLISHED[name].has("dev") for name in INTERMEDIATES
    )
    assert all(PUBLISHED[name].has("test") for name in TARGETS)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_task_states_what_its_format_needs(name: str) -> None:
    task = TASKS[name]
    assert task.metric in METRICS
    assert task.metric in task.spec.metrics
    assert task.licence or name not in PUBLISHED
    assert set(task.columns) <= set(task.spec.roles)
    assert task.labels or task.format not in ("classification", "tagging") or name == "ccg"
    assert len(set(task.labels)) == len(task.labels)
    assert set(task.language_names) <= {*task.languages, *task.train_languages}
    assert task.train_task is None or (
        TASKS[task.train_task].trainable and TASKS[task.train_task].has("train")
    )
    assert task.has("train") == (task.train_task is None and task.trainable)
    assert (task.obtain is not None) == (name in BROUGHT and name != "mlm")
    if isinstance(task.options, ClassificationOptions):
        assert task.options.positive_label in (None, *task.labels)


# --- languages, labels, parts


def test_languages_are_as_many_as_in_the_benchmark() -> None:
    assert {name: len(set(PUBLISHED[name].languages)) for name in TARGETS} == TARGETS


def test_languages_of_xtreme_r_extend_those_of_xtreme() -> None:
    new = {
        name: set(PUBLISHED[f"{name}_r"].languages) - set(PUBLISHED[name].languages)
        for name in ("udpos", "panx", "xquad", "tatoeba")
    }
    assert new == {
        "udpos": {"lt", "pl", "ro", "uk", "wo"},
        "panx": {"az", "gu", "lt", "pa", "pl", "qu", "ro", "uk"},
        "xquad": {"ro"},
        "tatoeba": {"az", "lt", "pl", "ro", "uk"},
    }
    xtreme_r_tasks = ("xnli", "mlqa", "tydiqa", *xtreme_r.TASKS)
    assert (
        len({language for name in xtreme_r_tasks for language in PUBLISHED[name].languages}) == 50
    )


def test_questions_of_lareqa_are_as_long_as_in_its_script_in_training_too() -> None:
    assert [
        TASKS[name].options.max_question_tokens for name in ("lareqa", "squad_pairs", "mewsli_x")
    ] == [96, 96, 64]


def test_languages_of_xtreme_are_forty_together() -> None:
    names = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")
    assert len({language for name in names for language in PUBLISHED[name].languages}) == 40


def test_training_rows_of_targets_are_english() -> None:
    trained = {PUBLISHED[name].train_task or name for name in TARGETS if PUBLISHED[name].trainable}
    assert {PUBLISHED[name].train_languages for name in trained} == {("en",)}


def test_union_has_the_label_names_of_its_parts_and_no_rows_of_its_own() -> None:
    union = PUBLISHED["anli_plus"]
    assert [part.name for part in union.parts] == ["anli_r1", "anli_r2", "anli_r3", "mnli", "snli"]
    assert all(
        set(part.labels) == set(union.labels) and part == PUBLISHED[part.name]
        for part in union.parts
    )
    assert sum(TRAINING_ROWS[part.name] for part in union.parts) == 1_104_934


def test_relations_are_the_universal_ones_and_subtypes_of_them() -> None:
    assert len(UNIVERSAL_RELATIONS) == 37
    assert {one.split(":")[0] for one in ENGLISH_SUBTYPES} <= set(UNIVERSAL_RELATIONS)
    assert len(PUBLISHED["conll2000"].labels) == 23


# --- groups


@pytest.mark.parametrize("name", sorted(TASKS))
def test_groups_are_words_of_the_vocabulary_and_one_says_what_is_taught(name: str) -> None:
    groups = TASKS[name].groups
    assert set(groups) <= set(GROUPS)
    assert len(set(groups)) == len(groups)
    assert len(set(groups) & set(vocabulary.KINDS)) == 1
    assert len(set(groups) & set(vocabulary.BENCHMARK_GROUPS)) == (name in TARGETS)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_size_group_is_that_of_the_published_training_rows(name: str) -> None:
    task = PUBLISHED[name]
    sizes = set(task.groups) & set(vocabulary.SIZES)
    if not task.has("train") or task.format == "masked_lm":
        assert not sizes
    else:
        assert sizes == {
            vocabulary.size_group(sum(TRAINING_ROWS[leaf.name] for leaf in task.leaves))
        }


def test_size_group_at_its_bounds_is_medium() -> None:
    sizes = [vocabulary.size_group(rows) for rows in (9_999, 10_000, 100_000, 100_001)]
    assert sizes == ["size:small", "size:medium", "size:medium", "size:large"]


# --- data in the hub's own schemas


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    hub_world.make_hub(folder)
    return folder


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - set(BROUGHT)))
def test_hub_schema_has_no_problem_and_gives_rows(name: str, hub: Path, tmp_path: Path) -> None:
    task, where = PUBLISHED[name], worlds.context(tmp_path, hub)
    here = (
        ("et", "zh")
        if name == "xcopa"
        else ("de",)
        if task.format in ("mining", "retrieval")
        else ("en", "de")
    )
    task = task.model_copy(
        update={"languages": tuple(one for one in here if one in task.languages)}
    )
    if task.has("train"):
        assert task_data.check(task, "train", where) == []
        assert len(task_data.rows(task, "train", None, where)) > 0
    assert task_data.check(task, "evaluate", where) == []
    assert len(task_data.rows(task, "test", task.languages[0], where)) > 0


def test_hub_english_tydiqa_rows_are_trained_on_and_no_others(hub: Path, tmp_path: Path) -> None:
    where = worlds.context(tmp_path, hub)
    ids = [task_data.rows(PUBLISHED["tydiqa"], use, None, where)["id"] for use in ("train", "dev")]
    assert [len(part) for part in ids] == [
        21,
        3,
    ]  # 24 English rows among 216: nine tenths are 21.6, rounded down
    assert all(one.startswith("english-") for part in ids for one in part)
    finnish = task_data.rows(PUBLISHED["tydiqa"], "test", "fi", where)["id"]
    assert finnish and all(one.startswith("finnish-") for one in finnish)


def test_hub_word_in_context_reads_the_word_before_its_sentence(hub: Path, tmp_path: Path) -> None:
    first = task_data.rows(PUBLISHED["wic"], "train", None, worlds.context(tmp_path, hub))[0][
        "text"
    ].split()
    assert first[0] == first[1]  # the invented word is the first one of the sentence


# --- data that the user brings


def test_brought_supertags_give_the_labels_and_are_asked_for_with_their_licence(
    tmp_path: Path,
) -> None:
    ccg, where = PUBLISHED["ccg"], worlds.context(tmp_path)
    (problem,) = set(task_data.check(ccg, "train", where))
    assert "ccg/{split}.conll" in problem and "LDC2005T13" in problem
    for split in ("train", "dev", "test"):
        write(tmp_path / "ccg" / f"{split}.conll", "John\tNP\nsleeps\t(S[dcl]\\NP)\n\nMary\tNP\n")
    assert task_data.check(ccg, "train", where) == []
    assert len(task_data.rows(ccg, "train", None, where)) == 2


def test_brought_treebanks_give_a_language_its_own_and_no_others(tmp_path: Path) -> None:
    line = "1\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n\n"
    trees = tmp_path / "ud-treebanks"
    for split in ("train", "dev", "test"):
        write(trees / "UD_English-EWT" / f"en_ewt-ud-{split}.conllu", line.format("one", "NUM"))
        write(trees / "UD_English-GUM" / f"en_gum-ud-{split}.conllu", line.format("two", "NUM"))
    write(trees / "UD_Greek-GDT" / "el_gdt-ud-test.conllu", line.format("three", "NOUN"))
    write(
        trees / "UD_Ancient_Greek-PROIEL" / "grc_proiel-ud-test.conllu", line.format("four", "NOUN")
    )
    task = PUBLISHED["udpos_r"].model_copy(update={"languages": ("en", "el")})
    where = worlds.context(tmp_path)
    assert task_data.check(task, "train", where) == task_data.check(task, "evaluate", where) == []
    assert task_data.rows(task, "train", None, where)["tokens"] == [["one"], ["two"]]
    assert task_data.rows(task, "test", "el", where)["tokens"] == [["three"]]


def test_brought_xquad_r_and_mewsli_x_are_read_from_the_places_that_they_name(
    tmp_path: Path,
) -> None:
    where, text = worlds.context(tmp_path), "A cat sat. It slept."
    question = {"id": "q", "question": "Who sat?", "answers": [{"text": "cat", "answer_start": 2}]}
    paragraph = {"context": text, "sentence_breaks": [[0, 10], [11, 20]], "qas": [question]}
    for language in PUBLISHED["lareqa"].languages:
        file = tmp_path / "lareqa" / "xquad-r" / f"{language}.json"
        write(file, json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    assert task_data.check(PUBLISHED["lareqa"], "evaluate", where) == []
    assert task_data.rows(PUBLISHED["lareqa"], "test", "ar", where)["candidate"] == [
        "A cat sat.",
        "It slept.",
    ]
    pair = {"query": "Rome: in { Rome }", "candidate": "capital of Italy", "key": "Q220"}
    for language in PUBLISHED["mewsli_x"].languages:
        worlds.write_jsonl(tmp_path / "mewsli_x" / f"{language}.test.jsonl", [pair])
    for split in ("train", "dev"):
        worlds.write_jsonl(tmp_path / "mewsli_x" / f"en.{split}.jsonl", [pair])
    assert task_data.check(PUBLISHED["mewsli_x"], "train", where) == []
    assert task_data.check(PUBLISHED["mewsli_x"], "evaluate", where) == []


@pytest.mark.parametrize("name", ("udpos_r", "lareqa", "mewsli_x"))
def test_brought_data_that_is_missing_is_told_how_to_get(name: str, tmp_path: Path) -> None:
    problems = task_data.check(PUBLISHED[name], "evaluate", worlds.context(tmp_path))
    # type: ignore[operator]
    assert problems and all(PUBLISHED[name].obtain in problem for problem in problems)


def write(path: Path, text: str) -> None:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- the document


def documented() -> dict[str, list[str]]:
    """Task to the cells of its line in docs/tasks.md."""
    lines = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| `")
    ]
    return {line[0].strip("`"): line for line in cells if len(line) == 8}


def source_in_words(task: Task) -> str:
    """The source as docs/tasks.md writes it."""
    source = task.source
    if source.union:
        return ", ".join(part.name for part in task.parts)
    if source.hub:
        return f"{source.hub} `{source.config}`" if source.config else source.hub
    return f"files `{', '.join(source.files or ())}`"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_document_says_what_the_table_says(name: str) -> None:
    task, cells = PUBLISHED[name], documented()[name]
    assert cells[1] == task.format
    assert cells[2] == source_in_words(task)
    assert cells[3] == str(len(task.languages))
    assert cells[5] == task.metric
    assert cells[6] == ", ".join(task.groups)
    assert cells[7] == task.licence


def test_document_has_no_task_that_is_none_and_explains_every_group() -> None:
    text = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert set(documented()) == set(PUBLISHED)
    assert all(f"| {word} | {meaning} |" in text for word, meaning in GROUPS.items())


def test_document_shows_sweeps_that_load() -> None:
    text = (worlds.ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    shown = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    assert shown
    for tasks in shown:
        head = (
            "name: x\nmodels: [a/b]\nintermediates: [none]\ntargets: [udpos, bucc, tatoeba, xnli]\n"
        )
        assert {task.name for task in loads(head + tasks).tasks} >= {"udpos", "bucc"}


# --- the mirror's real data


@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_data_of_the_mirror_has_no_problem(name: str, mirror: Path, tmp_path: Path) -> None:
    where = worlds.context(tmp_path, mirror)
    task = mirrored(name)
    train, test = ROWS[name]
    if task.splits.train:
        small = worlds.limited(task, 2000) if name.startswith("squad") else task
        assert task_data.check(small, "train", where) == []
        assert train is None or task_data.sizes(task, "train", None, where) == train
    assert task_data.check(task, "evaluate", where) == []
    assert test is None or task_data.sizes(task, "test", None, where) == test


@pytest.mark.parametrize("name", sorted(ROWS))
def test_real_rows_of_the_mirror_become_features(name: str, mirror: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    where = worlds.context(tmp_path, mirror)
    tokenizer = AutoTokenizer.from_pretrained(resolve_model("local/mini-xlmr", where))
    task = worlds.limited(mirrored(name), 50)
    hyper = Hyperparameters(max_length_tokens=96, doc_stride_tokens=32)
    for language in task.languages[:2]:
        split = task_data.encoded(task, "test", language, tokenizer, hyper, where)
        assert 0 < len(split.rows) <= 50
        if task.format != "dual_encoder":  # a row is several features
            assert len(split) == len(split.features)
            ids = split.features[0]["input_ids"]
            assert max(map(len, ids)) <= 96 if task.format == "multiple_choice" else len(ids) <= 96
    if task.splits.train:
        assert task_data.encoded(task, "train", None, tokenizer, hyper, where).n_items.sum() > 0


@pytest.mark.parametrize("name", sorted(set(TASKS) - set(PUBLISHED)))
def test_generated_rows_are_what_the_task_says(name: str, tmp_path: Path) -> None:
    task, where = TASKS[name], worlds.context(tmp_path)
    if task.splits.train:
        assert task_data.check(task, "train", where) == []
        assert (
            task_data.sizes(task, "train", None, where)
            == len(task_data.rows(task, "train", None, where))
            > 0
        )
        assert task_data.revision(task, "train", where) == task_data.revision(task, "train", where)
    if task.splits.test:
        assert task_data.check(task, "evaluate", where) == []


def test_real_label_tables_are_those_that_the_data_states(mirror: Path) -> None:
    from xstilts.data.reading import sources

    for name, role in (("udpos", "tags"), ("panx", "tags"), ("xnli", "label"), ("copa", "label")):
        task = mirrored(name)
        raw = sources.read(
            task, "validation", "en", [task.column(role)], worlds.context(mirror, mirror)
        )
        assert raw.classes[task.column(role)] == task.labels, name


def test_real_hub_splits_that_the_mirror_lacks_are_told_with_the_way_out(
    mirror: Path, tmp_path: Path
) -> None:
    (problem,) = task_data.check(PUBLISHED["hellaswag"], "train", worlds.context(tmp_path, mirror))
    assert "has no split `train`; it has `validation`" in problem
    assert 'train: "validation[:80%]"' in problem
