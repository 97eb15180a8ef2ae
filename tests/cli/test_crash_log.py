"""The log of an error that nobody foresaw: it explains itself and has no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.cli.crash_log import described, without_secrets, write


def test_log_has_the_command_the_versions_and_the_traceback(tmp_path: Path) -> None:
    try:
        raise ValueError("too \ud800 odd")
    except ValueError as error:
        log = write(error, ["plan", "my sweep.yaml"], tmp_path)
    assert log is not None and log.parent == tmp_path / "logs"
    text = log.read_text(encoding="utf-8")
    assert "xstilts plan 'my sweep.yaml'" in text
    assert all(f"\n{name}" in text for name in ("xstilts ", "python ", "torch ", "pyarrow "))
    assert "ValueError: too \\ud800 odd" in text and "test_crash_log.py" in text


def test_log_goes_to_the_temporary_folder_where_the_store_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/logs").write_text("a file")
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    log = write(ValueError(), [], tmp_path / "store")
    assert log is not None and log.parent == tmp_path / "t"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "store/logs"))
    assert write(ValueError(), [], tmp_path / "store") is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a\nb"), "ValueError: a"),
        (ValueError(), "ValueError"),
        (PermissionError(13, "Permission denied", "a"), "a: Permission denied"),
        (OSError(18, "Cross-device link", "a", None, "b"), "a -> b: Cross-device link"),
    ],
)
def test_error_in_one_line(error: Exception, said: str) -> None:
    assert described(error) == said


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("--tracking http://me:pw@host/a", "--tracking http://***@host/a"),
        ("x?token=abc&y=1", "x?token=***&y=1"),
        ("hf_abcdefghijklmn", "hf_***"),
        ("Authorization: Bearer ab.cd-e", "Authorization: Bearer ***"),
        ("max_length_tokens=128 of a/b@c", "max_length_tokens=128 of a/b@c"),
    ],
)
def test_secrets_are_left_out(text: str, kept: str) -> None:
    assert without_secrets(text) == kept
