"""CoNLL files: what is a token, a tag, a comment; and lines that are none of these."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tests.data.reading.rows_made import read_back, rows_or_told
from xstilts.errors import DataError

WORD = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\0\t\n\r #", exclude_categories=["Zs", "Cc", "Zl", "Zp"]
    ),
    min_size=1,
    max_size=5,
)
SPACED = st.tuples(WORD, st.sampled_from(["", "\u00a0", " ", "\u2028", "\x85", "#"]), WORD).map(
    "".join
)


@st.composite
def sentences(draw: st.DrawFn, word: st.SearchStrategy[str], width: int) -> list[list[list[str]]]:
    """Sentences of tokens with all their values."""
    token = st.lists(word, min_size=width, max_size=width)
    return draw(st.lists(st.lists(token, min_size=1, max_size=3), min_size=1, max_size=3))


@given(
    data=st.data(),
    width=st.integers(2, 4),
    tabs=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    more=st.sampled_from(["", " ", "\t \t"]),
)
def test_tokens_and_tags_come_back(
    data: st.DataObject, width: int, tabs: bool, end: str, more: str
) -> None:
    made = data.draw(sentences(SPACED if tabs else WORD, width))
    between = "\t" if tabs else "  "
    lines = ["# about = a thing", "#", ""]
    for sentence in made:
        lines += [between.join(token) + more for token in sentence] + [more]
    names = [str(number) for number in range(width)]
    raw = read_back(end.join(lines).encode(), "t.conll", names)
    assert raw.table.num_rows == len(made)
    for number, name in enumerate(names):
        assert raw.table[name].to_pylist() == [[token[number] for token in one] for one in made]


@given(content=st.text("a#\t\n \r\u00a0-O", max_size=25))
def test_any_content_is_sentences_or_one_line_that_names_the_file(content: str) -> None:
    rows_or_told(content.encode(), "t.conll", ("tokens", "tags"))


NEWS = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

-DOCSTART- -X- -X- O

# O O O
Peter NNP B-NP B-PER
"""


def test_four_columns_are_read_by_their_numbers_and_document_lines_are_counted() -> None:
    raw = read_back(NEWS.encode(), "t.conll", ("0", "3"))
    assert raw.columns == ("0", "1", "2", "3")
    assert raw.table.to_pylist() == [
        {"0": ["EU", "rejects"], "3": ["B-ORG", "O"]},
        {"0": ["#", "Peter"], "3": ["O", "B-PER"]},
    ]
    assert raw.left_out == {"lines -DOCSTART-": 2}


def test_four_columns_without_numbers_say_how_they_are_named() -> None:
    with pytest.raises(DataError, match=r"has 4 values .* `columns: \{tokens: 0, tags: 3\}`"):
        read_back(NEWS.encode(), "t.conll", ("tokens", "tags"))


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("#\tO\na b\tO\n\n# a comment\n\u00a0x\tO\n", [["#", "a b"], ["\u00a0x"]]),
        ("x O\n# O\n#tag O\n\n# O\n\n# a comment\ny O", [["x", "#", "#tag"], ["#"], ["y"]]),
        ("x O\n\t\ny O\n \n\n", [["x"], ["y"]]),
        ("", []),
    ],
)
def test_two_columns_are_tokens_and_tags(content: str, tokens: list[list[str]]) -> None:
    raw = read_back(content.encode(), "t.conll", ("tokens", "tags"))
    assert raw.table["tokens"].to_pylist() == tokens
    assert raw.columns[:2] == ("tokens", "tags")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Das\tDET\nHaus NOUN\n", r"t\.conll:2: `Haus NOUN` must be `token TAB tag`"),
        ("Das DET\nHaus\u00a0NOUN\n", r"t\.conll:2: `Haus\\xa0NOUN` must be `token SPACE tag`"),
        ("Das\tDET\n\u00a0\tO\n", r"`\\xa0\\tO` has a value that is white space alone, `\\xa0`"),
        ("Das\tDET\nHaus\t\n", r"t\.conll:2: `Haus\\t` must be `token TAB tag`"),
        ("Das\tDET\n# Haus\nx\tO\n", r"t\.conll:2: `# Haus` must be `token TAB tag`"),
        ("a b c\na b c\na b\n", r"t\.conll:3: `a b` has 2 values, .*most lines have 3"),
        ("a\tb\tc\na\t\tc\n", r"t\.conll:2: `a\\t\\tc` has 3 values, or an empty one"),
        ("Das\nHaus\n", r"t\.conll:1: `Das` must be `token SPACE tag`"),
    ],
)
def test_wrong_line_is_told_with_its_white_space(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_back(content.encode(), "t.conll", ("tokens", "tags"))
