"""The log of operations that Optuna's studies are replayed from.

What becomes of a damaged one, with the studies and the ledger: `test_mended_books`.
"""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from xstilts.driver.journal import Journal


def study(path: Path) -> optuna.Study:
    return optuna.create_study(
        storage=Journal(path).storage(), study_name="s", load_if_exists=True, direction="maximize"
    )


def ask(made: optuna.Study) -> optuna.trial.Trial:
    return made.ask({"lr": optuna.distributions.FloatDistribution(1e-5, 1e-3, log=True)})


def test_study_opened_again_is_the_one_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "studies.journal"
    first = study(path)
    for value in (1.0, 2.5):
        trial = ask(first)
        trial.report(value / 2, 1)
        trial.set_user_attr("slot", f"t{value}")
        first.tell(trial, value)
    ask(first)
    again = study(path)
    assert again.get_trials() == first.get_trials()
    assert [trial.value for trial in again.trials] == [1.0, 2.5, None]


def test_optunas_own_backend_reads_the_same_study(tmp_path: Path) -> None:
    path = tmp_path / "studies.journal"
    first = study(path)
    first.tell(ask(first), 3.0)
    theirs = optuna.load_study(
        storage=JournalStorage(JournalFileBackend(str(path))), study_name="s"
    )
    assert theirs.get_trials() == first.get_trials()


def test_journal_leaves_no_lock_and_tells_nothing_of_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "studies.journal"
    first = study(path)
    first.tell(ask(first), 3.0)
    assert Journal(path).told == []
    assert {file.name for file in tmp_path.iterdir()} == {path.name, f"{path.name}.head"}


def test_operations_before_the_damage_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "studies.journal"
    first = study(path)
    for value in (1.0, 2.0, 3.0):
        first.tell(ask(first), value)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:6], b"5\n", *lines[7:]]))
    journal = Journal(path)
    (told,) = journal.told
    assert "1 of its lines is not as written" in told and "the lines before the damage" in told
    assert list(journal.read_logs(0)) == list(Journal(path).read_logs(0))
    assert len(list(journal.read_logs(0))) == 6 and len(list(journal.read_logs(4))) == 2
    again = optuna.load_study(storage=journal.storage(), study_name="s")
    assert again.trials[0].value == 1.0
