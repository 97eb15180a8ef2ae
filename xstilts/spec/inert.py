"""Text from others, made harmless for those who show it: Markdown, and programs that open CSV.

Names, descriptions, labels and errors end in reports, model cards, notes of MLflow and tables. What
they say is shown as it was written; it never becomes a link, a picture that is fetched from
somewhere, HTML, or a formula.
"""

from __future__ import annotations

import re
from typing import Any

from xstilts.errors import visible

_MARKS = re.compile(r"([\\`*_|\[\]$~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ADDRESS = re.compile(r"(?<=:)//|(?<=\bwww)\.|@", re.IGNORECASE)
_BEGINS_BLOCK = re.compile(r"^(?:[-+#=]+(?=\s|$)|\d{1,9}(?=[.)](?:\s|$)))")
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def markdown(value: Any) -> str:
    """Text as it is, in one line of Markdown or a cell of its tables: no emphasis, code, formula,
    heading, list, link, picture or HTML, and addresses stay text.
    """
    text = visible(" ".join(str(value).split()))
    for mark, entity in _ENTITIES.items():
        text = text.replace(mark, entity)
    text = _MARKS.sub(r"\\\1", text)
    text = _ADDRESS.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), text)
    return _BEGINS_BLOCK.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), text)


def code(value: Any) -> str:
    """Text as code in one line of Markdown."""
    return f"`{visible(' '.join(str(value).split())).replace('`', chr(0x2BC))}`"


def csv_cell(value: Any) -> Any:
    """A cell for a CSV file: text that a spreadsheet would take for a formula gets an apostrophe in
    front, by which spreadsheets know text. Numbers, also those written as text, stay as they are.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
