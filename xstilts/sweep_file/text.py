"""The text of a sweep file, read once, whatever lies at its path.

A sweep file is written by people and small. What is no file (a folder, a pipe, a device) or too
long to be one is refused before it is read: a pipe without a writer would be waited for for ever.
"""

from __future__ import annotations

import os
import stat

from xstilts.errors import Problem, SweepError

MOST_BYTES = 2**20
"""A megabyte: two hundred times the longest sweep file that comes with xstilts."""
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_text(file: str) -> str:
    """The text of the sweep file at the path `file`; SweepError, with what is there instead."""
    if not file:
        raise SweepError([Problem(message="the name of the sweep file is empty")])
    try:
        return _content(file).decode()
    except FileNotFoundError:
        raise _wrong(file, "there is no such sweep file") from None
    except UnicodeDecodeError as error:
        raise _wrong(file, f"not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except IsADirectoryError:
        must = (
            "is a folder; must be a sweep file (only status, scores, report, submission, export "
            "and track take a folder: that of a run in a store, which has a ledger.jsonl)"
        )
        raise _wrong(file, must) from None
    except OSError as error:
        raise _wrong(file, f"not readable: {error.strerror}") from error
    except ValueError as error:  # a zero byte in the path
        raise _wrong(file, f"not the path of a file ({error})") from error


def _content(file: str) -> bytes:
    # Without O_NONBLOCK, opening a pipe waits for its writer.
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
        mode = stat.S_IFMT(os.fstat(opened.fileno()).st_mode)
        if mode in _KINDS:
            raise _wrong(file, f"is {_KINDS[mode]}; must be a file (save the text to one)")
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        size = os.path.getsize(file)
        raise _wrong(
            file,
            f"is {size:,} bytes long; a sweep file has at most {MOST_BYTES:,}: is it a data file?",
        )
    return content


def _wrong(file: str, message: str) -> SweepError:
    return SweepError([Problem(message=message, file=file)])
