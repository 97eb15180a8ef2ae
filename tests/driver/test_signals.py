"""SIGTERM and SIGHUP end a block as Ctrl-C does, each tried in a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tests.support.default_signals import default_signals
from tests.support.worlds import environment
from xstilts.driver.signals import Terminated, as_interrupts, number_of

PROGRAM = """
import sys, time
from xstilts.driver.signals import as_interrupts, number_of
try:
    with as_interrupts():
        print("ready", flush=True)
        for line in sys.stdin:
            print("asked", flush=True)
except KeyboardInterrupt as asked:
    print("ended by", number_of(asked), flush=True)
    sys.exit(128 + number_of(asked))
"""


def program(
    before: str = "", preexec: Callable[[], object] = default_signals
) -> subprocess.Popen[str]:
    """A process that is inside the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", before + PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=preexec,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_inside_the_block_is_an_interrupt_that_knows_its_number(number: int) -> None:
    process = program()
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == (f"ended by {int(number)}\n", 128 + number)


def test_signal_that_the_process_was_told_to_ignore_stays_ignored() -> None:
    process = program(preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate("go on\n", timeout=30)
    assert (out, process.returncode) == ("asked\n", 0)


def test_signal_that_the_program_handles_itself_is_left_to_it() -> None:
    own = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine', flush=True))\n"
    process = program(own)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None and process.stdout.readline() == "mine\n"
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_handlers_are_put_back_after_the_block() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)]
    with as_interrupts():
        assert signal.getsignal(signal.SIGTERM) is not before[0]
        with as_interrupts():
            pass
        assert signal.getsignal(signal.SIGTERM) is not before[0], "the inner block took it away"
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)] == before


def test_block_in_another_thread_leaves_the_handlers_alone() -> None:
    seen: list[object] = []

    def work() -> None:
        with as_interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_number_of_ctrl_c_and_of_a_signal() -> None:
    assert number_of(KeyboardInterrupt()) == signal.SIGINT
    asked = Terminated(signal.SIGHUP)
    assert (number_of(asked), str(asked)) == (signal.SIGHUP, "SIGHUP")


def test_closed_terminal_does_not_fail_what_is_still_printed() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM.replace("for line in sys.stdin", "while not time.sleep(60)"),
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(),
        start_new_session=True,
        preexec_fn=default_signals,
    )
    os.close(theirs)
    assert os.read(ours, 5) == b"ready"
    os.close(ours)  # the other end writes to a terminal that is gone, from here on
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=30) == 128 + signal.SIGHUP
