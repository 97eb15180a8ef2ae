"""Work on several items, in as many processes as there are CPUs.

Reading the predictions of thousands of phases and drawing pictures is work of one CPU, and targets
and pictures have nothing to do with each other. A child is a new Python that is started once, gets
one item after the other and gives the results by its standard streams; it imports what it will need
while the caller still reads. (multiprocessing would import the caller's main module again, which a
library must not, or copy a process that has threads, which may hang.) What passes is pickled by
this program for itself.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any, Self, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

_CHILD = "from xstilts.results.in_processes import serve; serve()"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_BROKEN = (EOFError, OSError, pickle.UnpicklingError)
"""What it looks like when a child has ended."""


class Processes:
    """Children that work on items until the block ends; with one process there are none, and the
    caller does the work.
    """

    def __init__(self, count: int | None = None, modules: Sequence[str] = ()) -> None:
        """`count`: how many, by default one for each CPU; `modules` are imported at once."""
        count = count or len(os.sched_getaffinity(0))
        self._children = [_Child(modules) for _ in range(count)] if count > 1 else []
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(max(1, count))

    @property
    def several(self) -> bool:
        """Whether there are other processes."""
        return bool(self._children)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Ends the children; work that was begun and is not wanted any more ends with them."""
        for child in self._children if kind is not None else ():
            child.kill()
        self._threads.shutdown(cancel_futures=True)
        for child in self._children:
            child.end()

    def mapped(
        self, function: Callable[[Item], Found], items: Sequence[Item], weights: Sequence[float]
    ) -> list[Found]:
        """`function(item)` for each item, in their order. `function` belongs to a module; `weights`
        say how long the items take, relative to each other: the heaviest begin. RuntimeError where
        a child fails, with what it said.
        """
        return self.begun(function, items, weights)()

    def begun(
        self, function: Callable[[Item], Found], items: Sequence[Item], weights: Sequence[float]
    ) -> Callable[[], list[Found]]:
        """`mapped`, which goes on while the caller does something else; what is returned waits for
        it. With one process everything is done when this returns.
        """
        if not self.several:
            found = [function(item) for item in items]
            return lambda: found
        order = heaviest_first(weights)
        asked = {i: self._threads.submit(self._ask, function, items[i]) for i in order}
        return lambda: [asked[i].result() for i in range(len(items))]

    def _ask(self, function: Callable[[Item], Found], item: Item) -> Found:
        child = self._idle.get()
        try:
            return child.ask(function, item)
        finally:
            self._idle.put(child)


def heaviest_first(weights: Sequence[float]) -> list[int]:
    """Places of the items in the order in which they begin, so that no long one is left over."""
    return sorted(range(len(weights)), key=lambda i: -weights[i])


class _Child:
    """One process."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={
                **os.environ,
                **dict.fromkeys(_ONE_THREAD, "1"),
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )

    def ask(self, function: Callable[[Item], Found], item: Item) -> Found:
        """The result of one item."""
        question = pickle.dumps((function, item))
        stdin, stdout = self._streams()
        try:
            stdin.write(question)
            stdin.flush()
            found: Found = pickle.load(stdout)
        except _BROKEN as error:
            code = self._ended()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip()[-2000:]
            raise RuntimeError(f"a process of the report ended with {code}: {said}") from error
        return found

    def _ended(self) -> int:
        """How the process ended; one that does not end within some seconds is killed."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=10)
        self._process.kill()
        return self._process.wait()

    def kill(self) -> None:
        """Ends the process at once, whatever it does."""
        self._process.kill()

    def end(self) -> None:
        """Lets the process end, which has nothing to do any more."""
        stdin, stdout = self._streams()
        with suppress(OSError):  # it has ended already
            stdin.close()
        self._process.wait()
        stdout.close()
        self._said.close()

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def serve() -> None:
    """A child: imports what its arguments name, then reads functions with their items and writes
    the results until there are no more; prints nothing else.
    """
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for name in sys.argv[1:]:
        with suppress(ImportError):  # whoever needs it says so
            importlib.import_module(name)
    with out:
        while (asked := _next(sys.stdin.buffer)) is not None:
            function, item = asked
            pickle.dump(function(item), out)
            out.flush()


def _next(questions: IO[bytes]) -> tuple[Callable[[Any], Any], Any] | None:
    """The next function and its item; None where there are no more."""
    try:
        function, item = pickle.load(questions)
    except EOFError:
        return None
    return function, item
