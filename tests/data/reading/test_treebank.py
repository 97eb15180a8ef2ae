"""CoNLL-U: syntactic words, fused words, hidden words, and lines that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tests.data.reading.bench_files import task
from tests.data.reading.rows_made import read_back, rows_or_told
from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Task

DEL = """\
# sent_id = 1
# text = Va al mar
1\tVa\tir\tVERB\tV\t_\t0\troot\t_\t_
2-3\tal\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\ta\tADP\tE\t_\t4\tcase\t_\t_
3\tel\tel\tDET\tD\t_\t4\tdet:def\t_\t_
3.1\tnada\tnada\tX\t_\t_\t_\t_\t_\t_
4\tmar\tmar\tNOUN\tN\t_\t1\tobl\t_\t_

1\t10 000\t10\tNUM\tN\t_\t2\tnummod\t_\t_
2\tno\u200cte\tno\tNOUN\tN\t_\t0\troot\t_\t_
"""


def trees(folder: Path, text: str, **columns: str) -> Task:
    """A tagging task over one CoNLL-U file."""
    (folder / "t.conllu").write_text(text, encoding="utf-8")
    labels = (
        "ADP",
        "AUX",
        "DET",
        "NOUN",
        "NUM",
        "PRON",
        "VERB",
        "E",
        "V",
        "D",
        "N",
        "root",
        "case",
        "det",
        "det:def",
        "obl",
        "nummod",
    )
    return task("tagging", "t.conllu", columns=columns, labels=labels)


def words(folder: Path, text: str, **columns: str) -> list[tuple[list[str], list[str]]]:
    """Tokens and label names of each sentence."""
    made = trees(folder, text, **columns)
    rows = task_data.rows(made, "train", None, worlds.context(folder))
    return [(row["tokens"], [made.labels[i] for i in row["tags"]]) for row in rows]


def test_conllu_has_the_syntactic_words_and_leaves_out_the_rest(tmp_path: Path) -> None:
    assert words(tmp_path, DEL, tags="upos") == [
        (["Va", "a", "el", "mar"], ["VERB", "ADP", "DET", "NOUN"]),
        (["10 000", "no\u200cte"], ["NUM", "NOUN"]),
    ]


@pytest.mark.parametrize(
    ("column", "tags"),
    [
        ("deprel", ["root", "case", "det:def", "obl"]),
        ("deprel_main", ["root", "case", "det", "obl"]),
        ("xpos", ["V", "E", "D", "N"]),
    ],
)
def test_conllu_offers_other_columns(tmp_path: Path, column: str, tags: list[str]) -> None:
    assert words(tmp_path, DEL, tags=column)[0][1] == tags


def test_conllu_fused_words_are_as_in_xtreme(tmp_path: Path) -> None:
    # `a` and `el` both hang on `mar`, so they are equally high; ADP comes before DET in the list.
    assert words(tmp_path, DEL, tokens="fused_tokens", tags="fused_upos") == [
        (["Va", "al", "mar"], ["VERB", "ADP", "NOUN"]),
        (["10000", "note"], ["NUM", "NOUN"]),
    ]


def test_conllu_fused_word_has_the_tag_of_its_highest_word(tmp_path: Path) -> None:
    # `me` hangs on `di`: `di`, the root, is the higher one, though PRON comes before AUX in the
    # list.
    text = (
        "1-2\tdime\t_\t_\t_\t_\t_\t_\t_\t_\n"
        "1\tdi\tx\tAUX\tV\t_\t0\troot\t_\t_\n"
        "2\tme\tx\tPRON\tN\t_\t1\tobj\t_\t_\n"
    )
    assert words(tmp_path, text, tokens="fused_tokens", tags="fused_upos") == [(["dime"], ["AUX"])]


def test_conllu_leaves_out_sentences_whose_words_are_hidden(tmp_path: Path) -> None:
    hidden = "".join(f"{i}\t_\t_\tNOUN\tN\t_\t0\troot\t_\t_\n" for i in (1, 2, 3))
    one_shown = hidden.replace("1\t_\t_", "1\tx\t_", 1)
    two_shown = one_shown.replace("2\t_\t_", "2\ty\t_", 1)
    found = words(tmp_path, "\n".join((hidden, one_shown, two_shown)), tags="upos")
    assert [tokens for tokens, _ in found] == [["x", "y", "_"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\tDas\tDET\n", r"t\.conllu:1: `1\\tDas\\tDET` must be 10 values"),
        ("2\tDas\td\tDET\t_\t_\t0\troot\t_\t_\n", "word 2 must be number 1"),
        ("x\tDas\td\tDET\t_\t_\t0\troot\t_\t_\n", "word x must be number 1"),
        ("²\tDas\td\tDET\t_\t_\t0\troot\t_\t_\n", "word ² must be number 1"),
        ("2-1\tam\t_\t_\t_\t_\t_\t_\t_\t_\n", "has no words 2-1 for its fused token `am`"),
        (DEL.replace("2-3", "4-5"), "t.conllu:9: .* no words 4-5 for its fused token `al`"),
        (DEL.replace("3.1\t", "1-2\t"), "no words 1-2 for its fused token `nada`, or they belong"),
    ],
)
def test_conllu_that_is_none_raises_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        task_data.rows(trees(tmp_path, line, tags="upos"), "train", None, worlds.context(tmp_path))


def test_conllu_is_counted(tmp_path: Path) -> None:
    assert (
        task_data.sizes(trees(tmp_path, DEL, tags="upos"), "train", None, worlds.context(tmp_path))
        == 2
    )


def test_formats_of_benchmarks_are_encoded_like_others(tmp_path: Path) -> None:
    made = trees(tmp_path, DEL, tags="upos")
    split = task_data.encoded(
        made,
        "train",
        None,
        worlds.tokenizer(),
        Hyperparameters(max_length_tokens=16),
        worlds.context(tmp_path),
    )
    assert len(split) == 2


@given(
    rows=st.lists(
        st.lists(st.tuples(st.text("ab \u00a0#é", min_size=1), st.sampled_from("XY")), min_size=2),
        min_size=1,
        max_size=3,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_conllu_words_and_tags_come_back(rows: list[list[tuple[str, str]]], end: str) -> None:
    text = "".join(
        "".join(
            f"{n}\t{word}\t_\t{tag}\t_\t_\t0\troot\t_\t_{end}"
            for n, (word, tag) in enumerate(row, 1)
        )
        + end
        for row in rows
    )
    raw = read_back(text.encode(), "t.conllu", ("tokens", "upos"))
    assert raw.table["tokens"].to_pylist() == [[word for word, _ in row] for row in rows]
    assert raw.table["upos"].to_pylist() == [[tag for _, tag in row] for row in rows]


@given(
    lines=st.lists(
        st.lists(
            st.sampled_from(["1", "2", "1-2", "2-1", "1.1", "_", "²", "#", "", " "]), max_size=3
        ).map(lambda fields: "\t".join([*fields, *["_"] * (10 - len(fields))]))
        | st.text("1\t#_ \n", max_size=12),
        max_size=5,
    )
)
def test_any_conllu_is_rows_or_one_line(lines: list[str]) -> None:
    rows_or_told("\n".join(lines).encode(), "t.conllu", ("tokens", "fused_tokens", "fused_upos"))


def test_conllu_counts_the_sentences_that_it_leaves_out() -> None:
    hidden = "1\t_\t_\tNOUN\tN\t_\t0\troot\t_\t_\n\n"
    raw = read_back((hidden + hidden + DEL).encode(), "t.conllu", ("tokens",))
    assert raw.left_out == {"sentences whose words are hidden": 2}
