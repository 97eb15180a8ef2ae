"""The generator: the same rows for ever, languages as stated, tasks that the formats accept."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec.seeds import named_stream
from xstilts.spec.sweep import Hyperparameters
from xstilts.tasks import generator, synthetic
from xstilts.tasks.generator import examples, grammar, lexicon

FINGERPRINT = {1: "56514e10ea33a7bc"}
"""Generator version to a hash of rows of every task; a change of rows needs a new version and a new
line.
"""
SPLITS = [(name, use) for name, sizes in generator.SIZES.items() for use in sizes]
TARGETS = ("gen-tags", "gen-fits", "gen-who", "gen-choice", "gen-parallel")


def first(name: str, use: str, language: str, count: int = 20) -> dict[str, list[Any]]:
    """The first rows of a split."""
    return {role: values[:count] for role, values in generator.rows(name, use, language).items()}


def test_rows_of_this_version_are_pinned() -> None:
    kept = [[first(n, "test", code) for code in generator.languages()] for n in generator.SIZES]
    found = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
    assert found == FINGERPRINT[generator.VERSION], (
        "rows changed: raise VERSION in generator/__init__.py and pin the hash"
    )


def test_rows_asked_twice_or_in_another_process_are_equal() -> None:
    program = (
        "import json; from xstilts.tasks import generator; "
        "print(json.dumps(generator.rows('gen-who', 'dev', 'xd')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert (
        json.loads(ran.stdout)
        == generator.rows("gen-who", "dev", "xd")
        == generator.rows("gen-who", "dev", "xd")
    )


def test_import_loads_numpy_alone() -> None:
    heavy = "('torch', 'datasets', 'transformers', 'tokenizers', 'pyarrow')"
    program = (
        f"import sys; from xstilts.tasks import generator; print([m for m in {heavy} if m in "
        "sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=worlds.environment(),
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "use"), [(n, u) for n, u in SPLITS if u != "train"])
def test_split_has_its_size_and_columns_of_equal_length(name: str, use: str) -> None:
    rows = generator.rows(name, use, "xc")
    assert {len(values) for values in rows.values()} == {generator.SIZES[name][use]}


@pytest.mark.parametrize(
    ("name", "use", "language", "message"),
    [
        ("gen-tag", "train", "xa", "task is 'gen-tag'; must be one of gen-text"),
        ("gen-parallel", "train", "xa", "split is 'train'; must be one of test"),
        ("gen-tags", "train", "en", "language is 'en'; must be one of xa, xb, xc, xd"),
    ],
)
def test_rows_of_what_is_not_there_raise_a_data_error(
    name: str, use: str, language: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        generator.rows(name, use, language)


# --- languages


@pytest.mark.parametrize("code", lexicon.LANGUAGES)
def test_lexicon_gives_every_concept_a_word_of_its_own(code: str) -> None:
    words = lexicon.lexicon(code)
    assert len(set(words.values())) == len(words)
    assert set(words) == {
        *lexicon.CONTENT_CONCEPTS,
        *lexicon.FUNCTION_CONCEPTS,
        *lexicon.PUNCTUATION,
    }


def test_word_shared_by_two_languages_means_the_same_in_both() -> None:
    meanings: dict[str, set[str]] = {}
    for code in lexicon.LANGUAGES:
        for concept, word in lexicon.lexicon(code).items():
            meanings.setdefault(word, set()).add(concept)
    assert max(map(len, meanings.values())) == 1


@pytest.mark.parametrize(("code", "share"), [("xb", 0.7), ("xc", 0.5), ("xd", 0.3)])
def test_language_borrows_its_share_of_content_words_and_no_function_word(
    code: str, share: float
) -> None:
    own, theirs = lexicon.lexicon("xa"), lexicon.lexicon(code)
    shared = [concept for concept in lexicon.CONTENT_CONCEPTS if own[concept] == theirs[concept]]
    assert len(shared) / len(lexicon.CONTENT_CONCEPTS) == pytest.approx(share, abs=0.01)
    assert all(own[concept] != theirs[concept] for concept in lexicon.FUNCTION_CONCEPTS)


def test_clause_is_said_in_the_order_of_each_language() -> None:
    phrase = grammar.Phrase
    clause = grammar.Clause(1, phrase(2, 3), phrase(4), phrase(5), 0)
    tags = {code: [word.tag for word in grammar.say_clause(clause, code)] for code in ("xa", "xd")}
    assert tags["xa"] == ["MARK", "ADJ", "AGENT", "VERB", "MARK", "PATIENT", "ADV", "MARK", "PLACE"]
    assert tags["xd"] == ["MARK", "PLACE", "MARK", "AGENT", "ADJ", "MARK", "PATIENT", "ADV", "VERB"]


def test_clauses_of_a_sentence_share_no_noun_and_no_verb() -> None:
    draw = named_stream("test")
    for _ in range(200):
        clauses = grammar.draw_clauses(draw, 3, always_place=True)
        nouns = [p.noun for c in clauses for p in (c.agent, c.patient, c.place) if p is not None]
        assert len(set(nouns)) == 9
        assert len({clause.verb for clause in clauses}) == 3


def test_tokenizer_knows_every_word_and_frames_as_xlm_r_does() -> None:
    tokenizer = generator.tokenizer()
    text = generator.text("xd", 50)
    assert tokenizer.unk_token_id not in {i for line in tokenizer(text)["input_ids"] for i in line}
    assert tokenizer.decode(tokenizer(text[0], add_special_tokens=False)["input_ids"]) == text[0]
    one, two = tokenizer("magi", add_special_tokens=False)["input_ids"] * 2
    assert tokenizer("magi", "magi")["input_ids"] == [0, one, 2, 2, two, 2]
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (1, 4)


# --- tasks


def test_test_rows_are_parallel_over_the_languages() -> None:
    labels = [generator.rows("gen-fits", "test", code)["label"] for code in generator.languages()]
    assert all(one == labels[0] for one in labels)
    english = [
        generator.rows("gen-parallel", "test", code)["target_sentence"]
        for code in generator.languages()
    ]
    assert all(one == english[0] for one in english)
    assert len(set(english[0])) == len(english[0])


@pytest.mark.parametrize("code", lexicon.LANGUAGES)
def test_answer_stands_in_its_context_where_it_says(code: str) -> None:
    rows = generator.rows("gen-reading", "test", code)
    for context, answers in zip(rows["context"], rows["answers"], strict=True):
        text, start = answers["text"][0], answers["answer_start"][0]
        assert context[start : start + len(text)] == text
        assert start == 0 or context[start - 1] == " "


def test_fits_labels_cannot_be_read_off_the_answer_alone() -> None:
    rows = generator.rows("gen-fits", "dev", "xa")
    pairs = Counter(
        (pair.split()[0], label)
        for pair, label in zip(rows["text_pair"], rows["label"], strict=True)
    )
    for marker in {marker for marker, _ in pairs}:
        yes, no = pairs[marker, "yes"], pairs[marker, "no"]
        assert 0.3 < yes / (yes + no) < 0.7


def test_cipher_gives_a_borrowed_word_another_class_in_another_language() -> None:
    tables = [examples._code(code) for code in ("xa", "xb")]
    agree = sum(tables[0][concept] == tables[1][concept] for concept in tables[0])
    assert agree / len(tables[0]) < 0.3


def test_table_of_tasks_agrees_with_the_generator() -> None:
    assert {task.source.generator for task in synthetic.TASKS.values()} == set(generator.SIZES)
    assert generator.languages() == synthetic.LANGUAGES
    assert synthetic.TAGS == grammar.TAGS
    assert synthetic.CIPHERS == examples.CIPHERS


@pytest.mark.parametrize("name", [n for n in synthetic.TASKS if "test" in generator.SIZES[n]])
def test_every_task_passes_its_check_and_is_encoded(name: str, tmp_path: Path) -> None:
    task, where = synthetic.TASKS[name], DataContext(mirror=None, base=".", cache=str(tmp_path))
    assert task_data.check(task, "evaluate", where) == []
    encoded = task_data.encoded(
        task, "test", "xd", generator.tokenizer(), Hyperparameters(max_length_tokens=48), where
    )
    assert len(encoded.features)
    assert max(encoded.lengths) <= (3 * 48 if name == "gen-choice" else 48)
    assert name == "gen-parallel" or min(encoded.n_items) > 0


@pytest.mark.parametrize("name", TARGETS[:4])
def test_trained_target_passes_its_check(name: str, tmp_path: Path) -> None:
    where = DataContext(mirror=None, base=".", cache=str(tmp_path))
    assert task_data.check(synthetic.TASKS[name], "train", where) == []
