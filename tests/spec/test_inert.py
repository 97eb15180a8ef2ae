"""Text from others: shown as it was written, and nothing more than text."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from xstilts.errors import visible
from xstilts.spec.inert import code, csv_cell, markdown

NASTY = (
    *"\\`*_|[]{}()<>!$~&#+-=.:/@\"' \t\n^%",
    *("a", "1", "1. ", "- ", "www.", "http://x.example", "me@x.example", "![a](//b.c/d)"),
    *("<script>", "<img src=x>", "&lt;", "&#60;", "**b**", "]: x", "\u202e", "\x1b[31m", "🙂", "ü"),
)
TEXTS = st.lists(st.sampled_from(NASTY), max_size=12).map("".join) | st.text(max_size=30)
MD = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parsed(text: str) -> tuple[set[str], str]:
    """The kinds of tokens in a Markdown text, and what a reader sees."""
    blocks = MD.parse(text)
    inline = [child for block in blocks for child in block.children or []]
    shown = "".join(one.content for one in inline if one.type in ("text", "text_special"))
    return {one.type for one in (*blocks, *inline)}, shown


@given(TEXTS)
def test_markdown_is_one_line_of_plain_text_that_says_the_same(text: str) -> None:
    made = markdown(text)
    kinds, shown = parsed(made)
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert shown == visible(" ".join(text.split()))
    assert "\n" not in made
    assert not re.search(r"://|www\.|@|<|>", made), "nothing that a viewer makes an address of"


@given(TEXTS)
def test_markdown_is_one_cell_of_a_table(text: str) -> None:
    kinds, shown = parsed(f"| a | b |\n|---|---|\n| {markdown(text)} | end |")
    assert not kinds & {"link_open", "image", "html_inline", "em_open", "strong_open", "s_open"}
    assert shown == f"ab{visible(' '.join(text.split()))}end"


@given(TEXTS)
def test_code_is_code_to_its_end(text: str) -> None:
    (block,) = [one for one in MD.parse(f"see {code(text)}.") if one.type == "inline"]
    if text.strip():
        assert [one.type for one in block.children or []] == ["text", "code_inline", "text"]


@given(TEXTS | st.sampled_from("=+-@\t\r\n＝＋－＠").flatmap(lambda sign: TEXTS.map(sign.__add__)))
def test_csv_cell_never_begins_like_a_formula_and_is_read_back(text: str) -> None:
    cell = csv_cell(text)
    assert cell in (text, f"'{text}")
    number = re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", cell)
    assert number or not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    out = io.StringIO(newline="")
    csv.writer(out).writerow([cell, "end"])
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [[cell, "end"]]


@pytest.mark.parametrize("value", [-1, -1.5, "-1", "+0.5", "-1e-5", "1", None, True, "a=b", "en"])
def test_csv_cell_leaves_numbers_and_plain_text(value: object) -> None:
    assert csv_cell(value) is value


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "-1+1", "=", "-", "--1"])
def test_csv_cell_marks_what_a_spreadsheet_would_run(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a|b\n<c> *d*", r"a\|b &lt;c&gt; \*d\*"),
        ("# big", "&#35; big"),
        ("#1 of 3", "#1 of 3"),
        ("- one", "&#45; one"),
        ("-1.5", "-1.5"),
        ("1. one", "&#49;. one"),
        ("0.034", "0.034"),
        ("squad_v2", r"squad\_v2"),
        ("https://x.example/?a=b", "https:&#47;&#47;x.example/?a=b"),
    ],
)
def test_markdown_changes_no_more_than_it_must(text: str, made: str) -> None:
    assert markdown(text) == made
