"""How long MLflow's mirror takes: the first sync of a finished sweep, a second one, a small change.

python tests/benchmarks/tracking.py [--records 1000] [--url http://127.0.0.1:5000]

Without `--url` the mirror is a new SQLite database in the store, as by default. Wanted: at most
15 s for 1,000 records. CPU time, and for SQLite statements and commits, do not depend on how busy
the machine is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.large_sweeps import build_large
from tests.support.own_environment import use_own_environment


def main() -> None:
    """Makes a store and mirrors it three times."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--records", type=int, default=1000)
    asked.add_argument("--url", default="")
    given = asked.parse_args()
    use_own_environment()

    from xstilts.store.ledger import Ledger
    from xstilts.store.sweeps import read_sweep
    from xstilts.tracking.server import connect
    from xstilts.tracking.tracker import Tracker, tracking_uri

    with tempfile.TemporaryDirectory(prefix="xstilts-tracking-") as made:
        store, folder = build_large(Path(made), given.records)
        entries, sweep = Ledger(folder).entries(), read_sweep(folder)
        uri = given.url or tracking_uri(None, store) or ""
        began = time.perf_counter()
        connect(uri).search_experiments()
        print(f"{'an empty database':<32}{time.perf_counter() - began:8.1f} s")
        counts = _counted()
        for name, change in (("first sync", 0), ("second sync", 0), ("sync after 10 changes", 10)):
            counts.clear()
            for entry in entries[:change]:
                Ledger(folder).write(entry, attempts=entry.attempts + 2)
            began, cpu = time.perf_counter(), time.process_time()
            sent = Tracker(uri, sweep, store, folder).sync(Ledger(folder).entries())
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
            each = ", ".join(f"{count / max(1, sent):.1f} {what}" for what, count in counts.items())
            pace = f"{1000 * took / sent:6.1f} s for 1,000" if sent else ""
            print(
                f"{name:<32}{took:8.1f} s ({cpu:.1f} s CPU){sent:8,} runs   {pace}   a run: {each}"
            )


def _counted() -> Counter[str]:
    """Counts SQL statements and commits from now on."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    counts: Counter[str] = Counter()
    event.listen(Engine, "before_cursor_execute", lambda *_: counts.update(["SQL statements"]))
    event.listen(Engine, "commit", lambda *_: counts.update(["commits"]))
    return counts


if __name__ == "__main__":
    main()
