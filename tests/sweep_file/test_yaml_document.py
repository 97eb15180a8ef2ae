"""YAML 1.2 by its core schema, with lines; every mistake of form noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.sweep_file.yaml_document import line_in, parse, path_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5),
        ("1e3", 1000.0),
        ("010", 10),
        ("0x1F", 31),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ('"5"', "5"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        ("9" * 5000, "9" * 5000),
        ("12:30", "12:30"),
    ],
)
def test_parse_plain_scalar_follows_the_core_schema(text: str, value: object) -> None:
    data = parse(f"a: {text}\n", "f.yaml").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_parse_notes_the_line_of_keys_and_items() -> None:
    document = parse("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", "f.yaml")
    assert document.line(("a",)) == 1
    assert document.line(("b", 0)) == 3
    assert document.line(("b", 1, "d")) == 5
    assert document.line(("b", 1, "missing")) == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, '"a" stands twice (first in line 1)'),
        ("a:\n  b: {c: 1,\n      c: 2}\n", 3, '"a.b.c" stands twice'),
        ("a: &x 1\nb: *x\n", 1, "anchors and aliases"),
        ("a: !python/object 1\n", 1, "tag !python/object"),
        ("? [1, 2]\n: 3\n", 1, "a key must be plain text"),
        ("a: [1, 2\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
    ],
)
def test_parse_bad_form_is_noted_with_its_line(text: str, line: int, words: str) -> None:
    (problem,) = parse(text, "f.yaml").problems
    assert problem.file == "f.yaml"
    assert problem.line == line
    assert words in problem.message


def test_parse_recursive_alias_does_not_hang() -> None:
    assert parse("a: &x [*x]\n", "f.yaml").problems


def test_path_text_reads_like_code() -> None:
    assert path_text(("models", 0, "config", "hidden_size")) == "models[0].config.hidden_size"


def test_line_in_a_file_is_that_of_the_innermost_value(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("name: x\ntarget:\n  steps: 3\n")
    assert line_in(str(file), ("target", "steps")) == 3
    assert line_in(str(file), ("target", "lr")) == 2
    assert line_in(str(tmp_path / "gone.yaml"), ("target",)) is None
    assert line_in(None, ("target",)) is None


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " + "{a: " * 3000, "- " * 5000 + "x"])
def test_parse_what_is_nested_too_deeply_is_a_problem(text: str) -> None:
    (problem,) = parse(text, "f.yaml").problems
    assert "more than 30 deep" in problem.message
