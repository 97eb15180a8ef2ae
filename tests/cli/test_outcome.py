"""How a verb ends: what goes to which stream."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.toy import environment
from xstilts.cli.console import say
from xstilts.cli.outcome import outcome, print_json


def test_value_is_shown_as_text_or_as_one_json_value(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        with outcome(as_json) as show:
            show({"name": "Zoë"}, lambda console, data: say(console, f"it is {data['name']}"))
    printed = capsys.readouterr()
    assert printed.out == 'it is Zoë\n{"name": "Zoë"}\n'
    assert printed.err == ""


def test_value_of_a_verb_that_fails_afterwards_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ZeroDivisionError), outcome(True) as show:
        show({"a": 1}, lambda console, data: None)
        raise ZeroDivisionError
    assert capsys.readouterr().out == ""


def test_json_keeps_what_libraries_print_out_of_standard_output() -> None:
    code = (
        "import os, subprocess, sys\n"
        "from xstilts.cli.outcome import outcome\n"
        "held = sys.stdout\n"
        "with outcome(True) as show:\n"
        "    print('printed'); held.write('held\\n'); os.write(1, b'written\\n')\n"
        "    subprocess.run(['echo', 'said'])\n"
        "    show({'a': 1}, print)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout == '{"a": 1}\n'
    assert set(done.stderr.split()) == {"printed", "held", "written", "said"}


def test_json_has_no_number_that_json_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    value = {
        "nan": math.nan,
        "inf": [-math.inf, np.float32("nan")],
        "numpy": (np.float32(0.5), np.int64(3)),
        "path": Path("a/b"),
        ("a", 1): {1: None},
    }
    print_json(value)
    assert json.loads(capsys.readouterr().out) == {
        "nan": None,
        "inf": [None, None],
        "numpy": [0.5, 3],
        "path": "a/b",
        "('a', 1)": {"1": None},
    }


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "\ud800"), ("ascii", "Zoë→\ud800")])
def test_json_escapes_what_the_output_cannot_show(
    encoding: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    print_json({"name": name})
    assert json.loads(written.getvalue().decode(encoding)) == {"name": name}
    assert os.linesep.encode() in written.getvalue()
