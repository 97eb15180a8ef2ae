"""What `run` hands to the engine, and what it makes of its outcome; the engine is a stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.driver.test_board_damage import work
from tests.support.tiny import make_sweep
from tests.support.worlds import environment
from xstilts.data import made_again
from xstilts.driver import ending, engine
from xstilts.driver.board import Board
from xstilts.store.doubts import read_doubts
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the engine was handed, a tuple each run; every run ends at once, out of budget."""
    calls: list[tuple[Any, ...]] = []

    def stand_in(*given: Any) -> ending.Outcome:
        calls.append(given)
        counts = {"done": 0, "waiting": 3}
        return ending.Outcome(counts, failures=[], seconds=1.5, started=0, stopped="budget")

    monkeypatch.setattr(engine, "run", stand_in)
    return calls


def test_run_tells_how_the_engine_ended(tmp_path: Path, handed: list[tuple[Any, ...]]) -> None:
    ran = xstilts.run(make_sweep(tmp_path))
    assert len(handed) == 1
    assert (ran.counts, ran.failures) == ({"done": 0, "waiting": 3}, [])
    assert (ran.seconds, ran.started, ran.stopped, ran.exit_code) == (1.5, 0, "budget", 0)
    assert ran.folder == str(tmp_path / "store/sweeps/tiny-v1")
    assert (ran.warnings, ran.pages) == ([], "")


def test_run_out_of_budget_writes_the_report_of_what_there_is(
    tmp_path: Path, handed: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_sweep(tmp_path)
    ran = xstilts.run(file)
    assert Path(ran.report) == tmp_path / "store/sweeps/tiny-v1/report/report.html"
    assert Path(ran.report).read_text().startswith("<!doctype html>")
    monkeypatch.setattr("xstilts.api.runs.report", refuses)
    told: list[str] = []
    again = xstilts.run(file, warn=told.append)
    assert again.report == ""
    assert told == again.warnings == ["no report was written of what there is: the disk is full"]


def test_run_makes_a_dropped_checkpoint_again_that_is_asked_for_or_says_that_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def play(
        board: Board, sweep: Any, context: Any, watch: Any, changed: Any, first: Any, *_: Any
    ) -> Any:
        while one := (first or board.next()):
            first = None
            ran.append(one.slot)
            work(board, board.store, one)
        return ending.outcome(board, started=len(ran))

    monkeypatch.setattr(engine, "run", play)
    fixed = {"lr": 0.001, "steps": 4, "batch_size": 8, "max_length_tokens": 16}
    file = make_sweep(tmp_path, target=fixed, search={}, seeds=[1], retention={"weights": "none"})
    assert xstilts.run(file).counts == {"done": 5}
    home, asked = tmp_path / "store/phases", "tiny/first>topic/t0"
    assert not list(home.glob("*/model"))
    with pytest.raises(xstilts.InputError, match='the sweep has no phase "topic/t0"'):
        xstilts.run(file, remake=["topic/t0"])
    ran.clear()
    again = xstilts.run(file, remake=[asked])
    assert ran == ["tiny/first/t0", asked]
    (made,) = home.glob("*/model")  # what it started from went again
    assert again.warnings == []
    assert xstilts.run(file).started == 0 and not list(home.glob("*/model"))
    monkeypatch.setattr(engine, "run", lambda board, *given: ending.outcome(board))
    (said,) = xstilts.run(file, remake=[asked]).warnings
    assert said.startswith(f"the checkpoint of phase {made.parent.name} was not made again")


def refuses(*given: Any, **more: Any) -> Any:
    raise xstilts.XstiltsError("the disk is full")


def test_run_keeps_the_sweep_beside_its_ledger(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    file = make_sweep(tmp_path)
    folder = Path(xstilts.run(file).folder)
    assert read_sweep(folder) == xstilts.load(file)


def test_run_keeps_what_is_doubtful_and_replaces_it(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    file, rows = make_sweep(tmp_path), tmp_path / "rows/topic.sw.test.jsonl"
    good = rows.read_text()
    rows.write_text('{"text": "w1 w2", "label": "low"}\n')
    warned: list[str] = []
    folder = Path(xstilts.run(file, warn=warned.append).folder)
    assert [str(doubt) for doubt in read_doubts(folder)] == warned
    assert any("(test, sw) has one row" in text for text in warned)
    rows.write_text(good)
    xstilts.run(file)
    assert read_doubts(folder) == ()


def test_run_tells_workers_where_things_are_and_nothing_of_the_plan(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    xstilts.run(make_sweep(tmp_path, resources={"slots": 2, "cpus_per_worker": 3}))
    settings = next(one for one in handed[0] if isinstance(one, dict))
    assert settings == {
        "store": str(tmp_path / "store"),
        "mirror": str(tmp_path / "mirror"),
        "base": str(tmp_path),
        "threads": 3,
        "partial_every_seconds": xstilts.load(
            tmp_path / "tiny.yaml"
        ).resources.partial_every_seconds,
        "gradient_checkpointing": False,
        "deadline_seconds": 1800,
    }


def test_run_of_a_sweep_that_another_driver_runs_is_refused(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    from xstilts.driver.session import driver
    from xstilts.errors import LeaseHeld

    file = make_sweep(tmp_path)
    sweep = xstilts.load(file)
    with driver(Store(sweep.store).prepare(), sweep), pytest.raises(LeaseHeld):
        xstilts.run(file)
    assert handed == []


def test_run_that_lost_its_sweep_ends_with_the_lease_of_the_other_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support import leases
    from xstilts.errors import LeaseLost

    file, lease = make_sweep(tmp_path), tmp_path / "store/leases/sweep-tiny-v1.json"

    def loses(board: Any, *given: Any) -> ending.Outcome:
        leases.change(lease, token="another")
        sure = given[-1]
        assert not sure.__self__.renew()
        sure()
        raise AssertionError("it was sure")

    monkeypatch.setattr(engine, "run", loses)
    with pytest.raises(
        LeaseLost, match=r"^sweep-tiny-v1: this process has lost its lease and ends"
    ):
        xstilts.run(file)
    assert b'"another"' in lease.read_bytes()


def test_run_with_bad_data_trains_nothing(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    with pytest.raises(xstilts.InputError):
        xstilts.run(file)
    assert Store(tmp_path / "store").done() == set()
    assert not (tmp_path / "store/sweeps/tiny-v1").exists()


def test_run_tells_at_its_end_which_damaged_phases_were_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(board: Any, *given: Any) -> ending.Outcome:
        board._outcomes.set_aside += ["phase a was damaged"] * 12
        return ending.Outcome({}, failures=[], seconds=0.0, started=0)

    monkeypatch.setattr(engine, "run", damaged)
    told: list[str] = []
    ran = xstilts.run(make_sweep(tmp_path), warn=told.append)
    assert (
        told
        == ran.warnings
        == [*["phase a was damaged"] * 10, "and 2 more phases, in the same place"]
    )


FIXED = {
    "intermediates": ["none", "first"],
    "seeds": [1],
    "intermediate": {"lr": 1e-3, "steps": 2, "max_length_tokens": 16},
    "target": {"lr": 1e-3, "steps": 2, "max_length_tokens": 16},
    "tracking": None,
}
FINISHED = """
import sys
from xstilts.cli.main import main

sys.argv = ["xstilts", "run", sys.argv[1], "--json"]
try:
    main()
finally:
    heavy = ("ray", "torch", "mlflow", "datasets", "transformers", "pandas")
    print([name for name in heavy if name in sys.modules])
"""


def finished(file: Path) -> None:
    """Gives every phase of a sweep a record, and mirrors them: what a run leaves."""
    from tests.driver.test_board import drain
    from xstilts.api.check_and_plan import check_opened
    from xstilts.api.opened import open_sweep
    from xstilts.api.runs import _board
    from xstilts.driver.session import driver, same_plan
    from xstilts.tracking.tracker import Tracker, tracking_uri

    opened = open_sweep(file)
    check_opened(opened)
    with driver(opened.store, opened.sweep) as lease:
        same_plan(opened.folder, opened.sweep)
        board = _board(opened, lease, [])
        drain(board, opened.store)
    assert board.settled
    uri = tracking_uri(opened.sweep.tracking, opened.store)
    assert uri is not None
    Tracker(uri, opened.sweep, opened.store, opened.folder).sync(board.ledger.entries())


def test_run_of_a_finished_sweep_loads_no_heavy_library_and_says_where_mlflow_is(
    tmp_path: Path,
) -> None:
    file = make_sweep(tmp_path, **FIXED)
    finished(file)
    ran = subprocess.run(
        [sys.executable, "-c", FINISHED, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    value, loaded = ran.stdout.splitlines()
    assert loaded == "[]"
    told = json.loads(value)
    assert (told["started"], told["stopped"], told["failures"]) == (0, "", [])
    assert told["pages"].startswith("mlflow ui") and told["warnings"] == []


def test_run_mends_damaged_books_and_tells_so(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    file = make_sweep(tmp_path, **FIXED)
    finished(file)
    folder = tmp_path / "store/sweeps/tiny-v1"
    before = {entry.slot: entry.phase for entry in Ledger(folder).entries()}
    for name in ("sweep.json", "ledger.jsonl", "studies.journal", "doubts.json"):
        (folder / name).write_bytes(b"[5, null]\n")
    told: list[str] = []
    ran = xstilts.run(file, warn=told.append)
    assert handed == [] and ran.started == 0, "all of it is found again"
    assert told == ran.warnings
    for name, sentence in zip(("sweep.json", "ledger.jsonl", "studies.journal"), told, strict=True):
        assert sentence.startswith(f"{folder / name}: ")
    assert {entry.slot: entry.phase for entry in Ledger(folder).entries()} == before
    assert read_sweep(folder) == xstilts.load(file) and read_doubts(folder) == ()
    assert xstilts.run(file).warnings == []


def test_run_tells_which_data_were_damaged_and_made_again(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    file = make_sweep(tmp_path)
    made_again.note(tmp_path / "store/data/encoded/k", "lengths.npy has changed")
    (told,) = xstilts.run(file).warnings
    assert "encoded/k was damaged (lengths.npy has changed); it was thrown away" in told
    assert xstilts.run(file).warnings == []


def test_run_says_what_it_does_before_there_are_phases(
    tmp_path: Path, handed: list[tuple[Any, ...]]
) -> None:
    seen: list[str] = []
    xstilts.run(make_sweep(tmp_path), watch=lambda snapshot: seen.append(snapshot.get("doing", "")))
    assert list(dict.fromkeys(filter(None, seen))) == [
        "reading the sweep's label tables",
        "checking the data and the models",
        "looking for leaks",
        "starting Ray",
    ]
