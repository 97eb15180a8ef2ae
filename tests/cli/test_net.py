"""The net under all verbs: one message, one JSON value and an exit code, whatever ends a verb."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import xstilts.api
from tests.support.toy import environment
from xstilts.cli.main import app
from xstilts.cli.net import Net
from xstilts.driver.signals import Terminated
from xstilts.errors import DataError, LeaseHeld, Problem, SweepError, TrackingError

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
VERBS = sorted(COMMANDS)
SWEEP_VERBS = [
    name
    for name in VERBS
    if {"sweep", "as_json"} <= {param.name for param in COMMANDS[name].params}
]
MORE = {
    "submission": ("--out", "x"),
    "fetch": ("--mirror", "m"),
    "export": ("squad/xquad", "--to", "x"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)


def ended(error: BaseException, *words: str) -> Result:
    """What a verb that raises `error` prints."""
    made = typer.Typer(cls=Net, pretty_exceptions_enable=False, rich_markup_mode=None)

    @made.command()
    def fall(
        sweep: str = "", store: str | None = None, as_json: bool = typer.Option(False, "--json")
    ) -> None:
        raise error

    @made.command()
    def other() -> None:
        pass

    return CliRunner().invoke(made, ["fall", *words])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("no such file"), 2),
        (SweepError([Problem(message="wrong")]), 2),
        (LeaseHeld("somebody runs it"), 1),
        (TrackingError("away"), 1),
        (KeyboardInterrupt(), 130),
        (Terminated(signal.SIGTERM), 143),
        (Terminated(signal.SIGHUP), 129),
        (typer.Abort(), 130),
        (typer.Exit(7), 7),
        (SystemExit(9), 9),
        (ZeroDivisionError("division by zero"), 1),
        (RecursionError("deep"), 1),
        (EOFError("ended"), 1),
        (MemoryError(), 1),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), 1),
    ],
)
def test_error_decides_the_exit_code(error: BaseException, code: int) -> None:
    assert ended(error).exit_code == code


@pytest.mark.parametrize(
    "error", [DataError("no such file"), KeyboardInterrupt(), ZeroDivisionError(), OSError("x")]
)
def test_error_with_json_is_one_value_and_text_on_standard_error(error: BaseException) -> None:
    result = ended(error, "--json")
    assert json.loads(result.stdout)["error"]["message"]
    assert len(result.stderr.splitlines()) == 1


def test_bug_says_so_in_one_line_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "st").mkdir()
    uri = "https://me:geheim@host/x?token=abc123"
    result = ended(ValueError(f"bad thing at {uri}\nmore"), "--json", "--store", "st")
    (line,) = result.stderr.splitlines()
    error = json.loads(result.stdout)["error"]
    assert line == f"error: {error['message']}"
    assert line.startswith("error: this is a bug in xstilts: `fall` ended with ValueError: bad")
    assert (error["kind"], error["bug"], error["input"]) == ("ValueError", True, False)
    log = Path(error["log"])
    assert log.parent == Path("st/logs")
    text = log.read_text()
    assert "xstilts fall --json --store st" in text and "Traceback" in text and "more" in text
    assert not any(secret in text + line for secret in ("geheim", "abc123"))


def test_bug_without_a_store_leaves_its_log_in_the_temporary_folder_and_makes_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    result = ended(ZeroDivisionError(), "--json", "--store", str(tmp_path / "none"))
    assert Path(json.loads(result.stdout)["error"]["log"]).parent == tmp_path / "t"
    assert not (tmp_path / "none").exists()


def test_full_disk_is_no_bug_and_names_the_file() -> None:
    result = ended(OSError(errno.ENOSPC, "No space left on device", "a/b"), "--json")
    error = json.loads(result.stdout)["error"]
    assert error["bug"] is False
    assert "the machine refused something: a/b: No space left on device" in result.stderr


def test_error_whose_text_fails_is_told_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "ended with Mute" in ended(Mute()).stderr


@pytest.mark.parametrize("words", [("fall", "--nothing"), ("fal",), ("fall", "x"), ("--no",), ()])
def test_usage_error_with_json_is_one_value(words: tuple[str, ...]) -> None:
    made = typer.Typer(cls=Net)

    @made.command()
    def fall(as_json: bool = typer.Option(False, "--json")) -> None: ...

    @made.command()
    def other() -> None: ...

    result = CliRunner().invoke(made, [*words, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["input"] is True


# -- every verb


def write_bad(folder: Path) -> dict[str, str]:
    """Kind to a path that is no sweep."""
    (folder / "folder").mkdir()
    contents = {
        "binary": b"\x00\xff\xfe\x80",
        "empty": b"",
        "nested": b"[" * 5000,
        "bomb": b"a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "number": b"name: x\nversion: " + b"9" * 5000,
        "surrogate": b'name: "\\ud800"\n',
        "list": b"- a\n",
    }
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_bytes(content)
    files = {name: f"{name}.yaml" for name in contents}
    return {**files, "missing": "none.yaml", "folder": "folder", "long": "a" * 300, "nul": ""}


@pytest.mark.parametrize("verb", SWEEP_VERBS)
def test_verb_with_bad_input_prints_one_json_value_and_exits_with_2(
    verb: str, tmp_path: Path
) -> None:
    for kind, path in write_bad(tmp_path).items():
        result = CliRunner().invoke(app, [verb, path, "--json", *MORE.get(verb, ())])
        assert "error" in json.loads(result.stdout), kind
        assert result.exit_code == 2, (kind, result.stdout)


@pytest.mark.parametrize("verb", SWEEP_VERBS)
def test_verb_that_has_a_bug_prints_one_json_value_and_exits_with_1(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **named: object) -> None:
        print("noise of a library")
        raise KeyError("label")

    for name in xstilts.api.__all__:
        if callable(getattr(xstilts.api, name)) and name.islower():
            monkeypatch.setattr(xstilts.api, name, broken)
    result = CliRunner().invoke(app, [verb, "s.yaml", "--json", *MORE.get(verb, ())])
    error = json.loads(result.stdout)["error"]
    assert (error["kind"], error["bug"], result.exit_code) == ("KeyError", True, 1)


def test_command_line_survives_a_narrow_encoding_and_a_reader_that_goes_away(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "xstilts", "plan", "Zoë→.yaml"]
    narrow = {**environment(), "PYTHONIOENCODING": "ascii"}
    for more in ([], ["--json"]):
        done = subprocess.run([*command, *more], capture_output=True, env=narrow)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr and b"no such sweep file" in done.stderr
        if more:
            assert "Zoë→" in json.loads(done.stdout)["error"]["message"]
    schema = f"{sys.executable} -m xstilts check --schema | true; echo ${{PIPESTATUS[0]}}"
    piped = subprocess.run(
        ["bash", "-c", schema], capture_output=True, text=True, env=environment()
    )
    assert (piped.stdout, piped.stderr) == ("141\n", "")


@pytest.mark.parametrize("place", [">/dev/full", ">&-"])
def test_value_that_can_be_printed_nowhere_leaves_no_traceback(place: str) -> None:
    command = f"{sys.executable} -m xstilts check none.yaml --json {place}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    assert done.returncode in (1, 2, 120)
    assert "Traceback" not in done.stderr and "no such sweep file" in done.stderr
