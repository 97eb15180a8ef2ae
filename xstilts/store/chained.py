"""A file of JSON lines that is only appended to, in which no line changes or goes unnoticed.

    {<content>,"after":"<sum of the line before>","sum":"<sum of this line>"}

A sum is the first 16 hexadecimal digits of the SHA-256 of all that stands before `,"sum"`, so each
line shows by itself whether it is as it was written. `after` links it to the line before: a line
that is missing, repeated, out of its order or from another file is noticed. The links can't show
that the last lines are missing. For that there is a second file:

    <name>.head    {"lines":<number of lines>,"after":"<sum of the last>","sum":"..."}

It is written over in place after each append, without waiting for the disk, and it may be behind:
more lines than it says, in an unbroken chain, are what a crash between the two leaves. What stands
after the last newline is a line that a crash has torn, and nobody was told that it was written; but
where the head counts it, it was whole once, and the file was cut.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from xstilts.errors import StoreError
from xstilts.store.local_files import store_error, write_bytes

FIRST = "0" * 16
"""What the first line comes after."""
_SUM = b',"sum":"'
_END = len(_SUM) + 16 + 2
_TRIES = 5
"""How often a head is read: a reader may come while it is being written over."""


class Line(NamedTuple):
    """A line that is as it was written."""

    row: dict[str, Any]
    """Its content."""
    after: str
    """Sum of the line before."""
    sum: str


def line_of(row: Mapping[str, Any], after: str) -> tuple[bytes, str]:
    """The line of a JSON object, and its sum; `row` has keys, but none called `after` or `sum`."""
    content = json.dumps(row, separators=(",", ":"))[:-1]
    text = f'{content},"after":"{after}"'.encode()
    own = _sum(text)
    return text + _SUM + own.encode() + b'"}\n', own


def read_line(line: bytes) -> Line | None:
    """What a line without its newline holds; None where it is not as it was written."""
    text, end = line[:-_END], line[-_END:]
    own = _sum(text)
    if end != _SUM + own.encode() + b'"}':
        return None
    row = json.loads(line)
    del row["sum"]
    return Line(row, row.pop("after"), own)


def _sum(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file holds."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """The contents of the lines that can be read, in the order in which they were written."""
    unbroken: int = 0
    """How many of them, from the first on, are all that was written until then."""
    bad: tuple[bytes, ...] = ()
    """Lines that are not as they were written."""
    faults: tuple[str, ...] = ()
    """What is wrong, in a few words each; empty for a good file, and for one whose last line was
    torn by a crash.
    """


class Follower(Protocol):
    """Keeps what is written to a file elsewhere too. It may do so later: `durable` waits."""

    def appended(self, content: bytes) -> None:
        """Takes what was appended; raises what became of something earlier."""
        ...

    def written_anew(self, content: bytes) -> None:
        """Takes the whole of a file that was written anew."""
        ...

    def durable(self) -> None:
        """Returns when all that was taken is kept; raises what became of it otherwise."""
        ...


class Chained:
    """One file of chained lines with its head. Any number of readers; one writer, who reads it
    first.
    """

    def __init__(
        self, path: Path, *, shared: bool = False, follower: Follower | None = None
    ) -> None:
        """`shared`: other programs may append too; their lines are never taken for ours. `follower`
        gets what is written, once it is on the disk.
        """
        self._shared, self._follower = shared, follower
        self.path, self._head = path, path.with_name(f"{path.name}.head")
        self._lines, self._last = 0, FIRST
        self._size, self._torn, self._open_end = 0, False, False

    def read(self) -> Found:
        """Reads the whole file. StoreError where it can't be read.

        The head is read before the lines, which may become more in between.
        """
        head, content = self._read_head(), self._content()
        if head is None and content:  # perhaps a reader came just when both were begun
            head, content = self._read_head(), self._content()
        *pieces, rest = content.split(b"\n")
        whole = bool(rest) and (head is None or read_line(rest) is not None)
        if whole:  # its newline alone is missing; or nobody knows how many lines there were
            pieces.append(rest)
        lines = [(piece, read_line(piece)) for piece in pieces if piece]
        good = [line for _, line in lines if line is not None]
        bad = tuple(piece for piece, line in lines if line is None)
        ordered, linked, unbroken = _in_order(good)
        faults = list(_faults_of_lines(good, ordered, linked, len(bad)))
        if head is None and content:
            faults.append("the file beside it that counts its lines is damaged or gone")
        elif head is not None and _reaches(ordered[:unbroken], head):
            ordered = ordered[:linked]  # all others belong to another file
        elif head is not None:
            lost = max(head.row["lines"] - len(ordered), 1)
            faults.append(f"{lost:,} of {head.row['lines']:,} lines {_are(lost)} lost")
        self._lines, self._last = len(ordered), ordered[-1].sum if ordered else FIRST
        self._torn, self._open_end = bool(rest) and not whole, whole
        self._size = len(content) - (len(rest) if self._torn else 0)
        rows = [line.row for line in ordered]
        return Found(rows=rows, unbroken=unbroken, bad=bad, faults=tuple(faults))

    def append(self, *rows: Mapping[str, Any], wait: bool = True) -> None:
        """Appends lines and waits until they are on the disk. Without `wait` they are there with
        the next that are waited for; a power cut before then loses them, and the head says so.

        StoreError where the disk refuses, and where another process has written into the file.
        """
        content, last = _lines_of(rows, self._last)
        try:
            if not self._head.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch()  # first: with the head, both names are on the disk
                self._write_new_head()
            with open(self.path, "ab") as file:
                if self._torn:
                    file.truncate(self._size)
                    file.seek(0, os.SEEK_END)
                elif file.tell() != self._size and not self._shared:
                    raise StoreError(
                        f"{self.path}: another process writes it too, or has removed lines; end "
                        "that process and run the same command again"
                    )
                self._size, self._torn = file.tell(), True
                content = b"\n" * self._open_end + content
                file.write(content)
                file.flush()
                if wait:
                    os.fsync(file.fileno())
                self._size = file.tell()
            self._torn, self._open_end = False, False
            self._lines, self._last = self._lines + len(rows), last
            with open(self._head, "r+b") as file:
                file.write(self._head_line())
        except OSError as error:
            raise store_error(error, self.path) from error
        if self._follower is not None:
            self._follower.appended(content)

    def durable(self) -> None:
        """Waits until all that was appended is kept wherever it is kept; raises what became of it
        otherwise.
        """
        if self._follower is not None:
            self._follower.durable()

    def mend(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Puts the file aside as it is, and writes a good one with these lines; returns where the
        damaged one is, in words. StoreError where the disk refuses.
        """
        aside = _free_name(self.path)
        try:
            try:
                shutil.copyfile(self.path, aside)
            except (PermissionError, IsADirectoryError):
                os.replace(self.path, aside)
            where = f"the damaged file is kept as {aside}"
        except FileNotFoundError:
            where = "nothing of the file was left"
        except OSError as error:
            raise store_error(error, aside) from error
        content, self._last = _lines_of(rows, FIRST)
        write_bytes(self.path, content)
        self._lines, self._size = len(rows), len(content)
        self._torn, self._open_end = False, False
        self._write_new_head()
        if self._follower is not None:
            self._follower.written_anew(content)
        return where

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            reason = error.strerror or error
            raise StoreError(f"{self.path}: can't be read ({reason}); mend that first") from error

    # -- the head

    def _head_line(self) -> bytes:
        return line_of({"lines": self._lines}, self._last)[0]

    def _write_new_head(self) -> None:
        if self._head.is_dir():
            os.replace(self._head, _free_name(self._head))
        write_bytes(self._head, self._head_line())

    def _read_head(self) -> Line | None:
        """The head; None where it is damaged, or missing beside a file. A file that is not there
        yet has none.
        """
        for _ in range(_TRIES):
            try:
                content = self._head.read_bytes()
            except FileNotFoundError:
                return None if self.path.exists() else Line({"lines": 0}, FIRST, "")
            except OSError:
                return None
            head = read_line(content.removesuffix(b"\n"))
            if head is not None and type(head.row.get("lines")) is int:
                return head
        return None


def write_head_of(path: Path, content: bytes) -> None:
    """Writes the head of a file that was brought here with this content. Raises StoreError."""
    lines = [line for line in map(read_line, content.split(b"\n")) if line is not None]
    last = lines[-1].sum if lines else FIRST
    write_bytes(path.with_name(f"{path.name}.head"), line_of({"lines": len(lines)}, last)[0])


def _lines_of(rows: Sequence[Mapping[str, Any]], after: str) -> tuple[bytes, str]:
    """The lines of several rows, and the sum of the last."""
    lines = []
    for row in rows:
        line, after = line_of(row, after)
        lines.append(line)
    return b"".join(lines), after


def _in_order(good: Sequence[Line]) -> tuple[list[Line], int, int]:
    """Each line once, in the order of the links; how many are linked to the beginning; and how many
    of these come before the first place where two lines follow one.

    Where a line is missing, what follows it comes at its place in the file.
    """
    followers: dict[str, list[Line]] = defaultdict(list)
    sums = set()
    for line in good:
        if line.sum not in sums:
            sums.add(line.sum)
            followers[line.after].append(line)
    ordered: list[Line] = []
    linked = 0
    for start in (FIRST, *(one for one in list(followers) if one not in sums and one != FIRST)):
        waiting = followers.get(start, [])[::-1]
        while waiting:
            line = waiting.pop()
            ordered.append(line)
            waiting.extend(followers.get(line.sum, ())[::-1])
        if start == FIRST:
            linked = len(ordered)
    forks = (n for n, line in enumerate(ordered[:linked]) if len(followers[line.after]) > 1)
    return ordered, linked, next(forks, linked)


def _reaches(chain: Sequence[Line], head: Line) -> bool:
    """Whether an unbroken chain has the line that the head says was the last."""
    lines = head.row["lines"]
    last = chain[lines - 1].sum if 0 < lines <= len(chain) else FIRST
    return lines <= len(chain) and last == head.after


def _faults_of_lines(
    good: Sequence[Line], ordered: Sequence[Line], linked: int, bad: int
) -> Iterator[str]:
    if bad:
        yield f"{bad:,} of its lines {_are(bad)} not as written"
    if len(good) > len(ordered):
        twice = len(good) - len(ordered)
        yield f"{twice:,} of its lines {_are(twice)} there twice"
    elif [line.sum for line in good] != [line.sum for line in ordered]:
        yield "its lines are out of order"
    if linked < len(ordered):
        yield "lines between others are missing, or others stand among them"
    afters = [line.after for line in ordered]
    if len(set(afters)) < len(afters):
        yield "two processes have written it at once"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _free_name(path: Path) -> Path:
    """A name beside a damaged file that is not taken."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return path.with_name(f"{path.stem}.damaged-{now}{path.suffix}")
