"""The verbs, as functions: what the command line prints, these return.

Each takes a sweep (a path or a `Sweep`) and may be given another store, mirror or tracking URI than
the file's. Relative paths in a sweep's tasks start from the folder of its file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts import ledger as ledgers, loading
from xstilts.answers import Checked, Findings, Planned, Ran, Status
from xstilts.errors import LeaseHeld, Problem, SweepError
from xstilts.identity import differences
from xstilts.ledger import Ledger
from xstilts.plan import Plan, make
from xstilts.specs import Revisions, build, trained_tasks
from xstilts.store import LEASE_SECONDS, Store, write_json
from xstilts.sweep import BASELINE, Mixture, Model, Pretraining, Sweep

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.audit.cards import Finding
    from xstilts.audit.revisions import Read
    from xstilts.board import Board
    from xstilts.data import DataContext
    from xstilts.tracking.thread import TrackerThread

AnySweep = str | os.PathLike[str] | Sweep
_NOT_THE_PLAN = ("resources", "budget", "store", "tracking", "mirror", "description")


# -- before anything is spent ----------------------------------------------------------------------


def load(sweep: AnySweep, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None) -> Sweep:
    """The sweep, with what was given in place of what its file says. Raises SweepError."""
    if not isinstance(sweep, Sweep):
        return loading.load(sweep, store=store, mirror=mirror, tracking=tracking)
    given = {"store": store, "mirror": mirror, "tracking": tracking}
    return sweep.model_copy(update={k: v for k, v in given.items() if v is not None})


def check(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    leaks: bool = True,
) -> Checked:
    """Looks at the whole file, the data, the models and the store. Raises SweepError with all that is wrong.

    What is odd and no error is told: what each source resolves to, where data differs from its card, evaluation
    rows that stand in training rows (with `leaks`; the first look hashes every row, later ones do not).
    """
    from xstilts.audit import leaks as leaking, revisions

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    opened = Store(loaded.store).prepare()
    context = data_context(sweep, loaded, opened)
    plan = make(loaded)
    problems = list(_data_problems(plan, context))
    if problems:
        raise SweepError([Problem(message=message, file=_file(sweep)) for message in problems])
    reads = revisions.reads(plan, context)
    return Checked(
        loaded,
        [*_notes(plan), *_pinned(reads)],
        sources=reads,
        models=revisions.models(plan, context),
        findings=_findings(plan, context),
        leaks=leaking.find(plan, context) if leaks else None,
    )


def plan(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    gpu: str | None = None,
    mfu: float | None = None,
) -> Planned:
    """The plan, how much of it has a record already, and what it will cost. Writes nothing.

    Reads no data but its revisions. `gpu` names the GPU of the estimate (else `resources.gpu`), `mfu` the share
    of its peak that is reached; InputError for a GPU without an entry.
    """
    from xstilts import costs

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    made = make(loaded)
    opened = Store(loaded.store)
    utilisation = costs.DEFAULT_UTILISATION if mfu is None else mfu
    cost = costs.estimate(made, gpu=gpu, utilisation=utilisation, base=_base(sweep))
    return Planned(made, _cached(made, opened, sweep, loaded), _notes(made), cost)


def _cached(made: Plan, opened: Store, sweep: AnySweep, loaded: Sweep) -> int:
    """Distinct phases of the plan that have a record: those of the ledger, and those whose id is known before."""
    done = opened.done()
    if not done:
        return 0
    found = {e.phase for e in Ledger(opened.sweep_folder(loaded.name, loaded.version)).entries() if e.phase in done}
    context = data_context(sweep, loaded, opened)
    made = make(with_labels(loaded, context))
    revisions = resolve(made, context)
    ids: dict[str, str] = {}
    for slot in made.slots:
        parent = ids.get(_fixed_parent(made, slot.needs), "")
        if slot.identity != slot.key and (parent or not slot.needs):
            point = (
                made.studies[slot.study].grid[slot.trial or 0] if slot.study and made.studies[slot.study].grid else {}
            )
            ids[slot.key] = build(made, slot, point, parent, revisions).id
    return len(found | (set(ids.values()) & done))


def _fixed_parent(made: Plan, needs: str) -> str:
    return f"{needs.removeprefix('best:')}/t0" if needs.startswith("best:") else needs


def data_context(sweep: AnySweep, loaded: Sweep, opened: Store) -> DataContext:
    from xstilts.data import DataContext

    return DataContext(mirror=loaded.mirror, base=_base(sweep), cache=str(opened.data))


def with_labels(loaded: Sweep, context: DataContext) -> Sweep:
    """The sweep with the label tables that its tasks take from their training rows. Raises DataError."""
    from xstilts import data

    return loaded.model_copy(update={"tasks": tuple(data.with_labels(task, context) for task in loaded.tasks)})


def _base(sweep: AnySweep) -> str:
    """The folder that relative paths of a sweep start from."""
    file = _file(sweep)
    return str(Path(file).absolute().parent if file else Path.cwd())


def _file(sweep: AnySweep) -> str | None:
    return None if isinstance(sweep, Sweep) else os.fspath(sweep)


def _models(made: Plan, context: DataContext) -> dict[str, Callable[[], str]]:
    """Id of each base model and tokenizer that is read, to what finds its revision."""
    from xstilts import data

    found: dict[str, Callable[[], str]] = {}
    for model in made.sweep.models:
        if isinstance(model, Model):
            found[model.id] = partial(data.model_revision, model.id, context, model.revision)
        else:
            found.setdefault(model.tokenizer, partial(data.model_revision, model.tokenizer, context, weights=False))
    return found


def _data_problems(made: Plan, context: DataContext) -> Iterator[str]:
    from xstilts import data
    from xstilts.errors import DataError

    for revision in _models(made, context).values():
        try:
            revision()
        except DataError as error:
            yield str(error)
    for name in trained_tasks(made):
        yield from data.check(made.sweep.task(name), "train", context)
    for name in made.sweep.targets:
        yield from data.check(made.sweep.task(name), "evaluate", context)


def _pinned(reads: list[Read]) -> list[str]:
    """Pinned revisions that a mirror cannot vouch for."""
    unsure = {r.task: r.asked for r in reads if r.kind == "content" and r.asked not in ("", "main")}
    return [f"{task} asks for revision {asked}; a mirror holds what it holds, known by content alone"
            for task, asked in unsure.items()]  # fmt: skip


def _findings(made: Plan, context: DataContext) -> list[Finding]:
    from xstilts.audit import cards

    found = [f for name in trained_tasks(made) for f in cards.compare(made.sweep.task(name), "train", context)]
    found += [f for name in made.sweep.targets for f in cards.compare(made.sweep.task(name), "evaluate", context)]
    return list(dict.fromkeys(found))


def resolve(made: Plan, context: DataContext) -> Revisions:
    """Revisions of all that the plan reads. Raises DataError where something is missing."""
    from xstilts import data

    return Revisions(
        train={name: data.revision(made.sweep.task(name), "train", context) for name in trained_tasks(made)},
        evaluate={name: data.revision(made.sweep.task(name), "evaluate", context) for name in made.sweep.targets},
        models={name: revision() for name, revision in _models(made, context).items()},
    )


def _notes(made: Plan) -> list[str]:
    notes = []
    for name in dict.fromkeys([*trained_tasks(made), *made.sweep.targets]):
        splits = made.sweep.task(name).splits
        for use in ("train", "dev", "test"):
            expression = getattr(splits, use)
            if expression and "[" in expression:
                notes.append(f"{name}: {use} is cut out of another split: {expression}")
        if name in made.sweep.targets and splits.dev and splits.dev == splits.test:
            notes.append(f"{name}: the development split is also the reported one ({splits.dev})")
    before = {
        m for i in made.sweep.intermediates if i != BASELINE for m in (i.mixture if isinstance(i, Mixture) else (i,))
    }
    trained: dict[str, list[str]] = {}
    for target in made.sweep.targets:
        trained.setdefault(made.sweep.task(target).train_task or target, []).append(target)
    notes += [
        f"{name} is an intermediate and the training data of {', '.join(targets)}"
        for name, targets in trained.items()
        if name in before
    ]
    if made.sweep.search.selection == "oracle":
        notes.append("selection: oracle chooses by target-language scores; the results are not zero-shot")
    for model in made.sweep.models:
        if isinstance(model, Pretraining):
            notes.append(f"{model.name} is pretrained from its configuration first")
    return notes


# -- running ---------------------------------------------------------------------------------------


def run(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda snapshot: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Ran:
    """Runs what of the sweep has no record yet, and mirrors it to MLflow.

    `watch` gets a snapshot of the run about twice a second, `warn` what the user should know. Raises InputError
    before anything is trained, LeaseHeld where another driver runs the same sweep.
    """
    checked = check(sweep, store=store, mirror=mirror, tracking=tracking)
    for message in checked.warnings:
        warn(message)
    opened = Store(checked.sweep.store)
    context = data_context(sweep, checked.sweep, opened)
    loaded = with_labels(checked.sweep, context)
    made = make(loaded)
    folder = opened.sweep_folder(loaded.name, loaded.version)
    with _driver(opened, loaded):
        _same_plan(folder, loaded)
        board = _board(made, opened, folder, resolve(made, context))
        for aside in board.quarantined:
            warn(f"a damaged phase was moved to {aside} and is made again")
        return _drive(board, opened, loaded, folder, context, watch, warn)


def _drive(
    board: Board,
    opened: Store,
    loaded: Sweep,
    folder: Path,
    context: DataContext,
    watch: Callable[[dict[str, Any]], None],
    warn: Callable[[str], None],
) -> Ran:
    from xstilts import engine

    ledger = board.ledger
    thread = _tracker(opened, loaded, folder, warn)
    settings = {
        "store": str(opened.path),
        "mirror": context.mirror,
        "base": context.base,
        "threads": loaded.resources.cpus_per_worker,
        "partial_every_seconds": loaded.resources.partial_every_seconds,
    }
    warnings = []
    try:
        outcome = engine.run(
            board, opened, loaded, settings, watch, lambda: thread.submit(ledger.entries()) if thread else None
        )
    finally:
        missing = thread.close(timeout=60) if thread else None
        if missing:
            warnings.append(missing)
            warn(missing)
    failures = [{"slot": e.slot, "state": e.state, "error": e.error} for e in outcome.failures]
    return Ran(
        counts=outcome.counts,
        failures=failures,
        seconds=outcome.seconds,
        started=outcome.started,
        stopped=outcome.stopped,
        exit_code=outcome.exit_code,
        warnings=warnings,
        folder=str(folder),
        pages=_pages(thread),
    )


def _pages(thread: TrackerThread | None) -> str:
    """Where the table of pairs is in MLflow's pages, and how to open those of a SQLite file."""
    page = thread.tracker.page if thread else None
    if thread is None or page is None:
        return ""
    uri = thread.tracker.uri
    if uri.startswith("http"):
        return f"{uri.rstrip('/')}{page}"
    return f"mlflow ui --backend-store-uri {uri}   then http://127.0.0.1:5000{page}"


def _tracker(opened: Store, loaded: Sweep, folder: Path, warn: Callable[[str], None]) -> TrackerThread | None:
    if loaded.tracking == "off":
        return None
    from xstilts.tracking import Tracker, tracking_uri
    from xstilts.tracking.thread import TrackerThread

    uri = tracking_uri(loaded.tracking, opened)
    assert uri is not None
    return TrackerThread(Tracker(uri, loaded, opened, folder), f"xstilts track {folder}", warn)


def _board(made: Plan, opened: Store, folder: Path, revisions: Revisions) -> Board:
    from xstilts.board import Board
    from xstilts.search import Studies

    studies = Studies(folder, made.sweep.search, made.studies, f"{made.sweep.name}-v{made.sweep.version}")
    return Board(made, Ledger(folder), opened, studies, revisions)


def _plan_of(sweep: Sweep) -> dict[str, Any]:
    return {k: v for k, v in sweep.model_dump(mode="json").items() if k not in _NOT_THE_PLAN}


def _same_plan(folder: Path, loaded: Sweep) -> None:
    """Keeps the sweep beside its ledger; SweepError where its name and version stand for another plan there."""
    path = folder / "sweep.json"
    if path.exists():
        before = Sweep.model_validate_json(path.read_bytes())
        changes = list(differences(_plan_of(before), _plan_of(loaded)))
        if changes:
            shown = "; ".join(f"{where}: {old!r} -> {new!r}" for where, old, new in changes[:6])
            more = f" and {len(changes) - 6} more" if len(changes) > 6 else ""
            message = (
                f"{loaded.name} version {loaded.version} stands for another plan in {folder}: {shown}{more}; "
                "raise `version`, or change it back (finished phases are shared all the same)"
            )
            raise SweepError([Problem(message=message)])
    write_json(path, loaded.model_dump(mode="json"))


@contextmanager
def _driver(opened: Store, loaded: Sweep) -> Iterator[None]:
    """The right to run this sweep: one driver at a time."""
    import threading

    lease = opened.lease(f"sweep-{loaded.name}-v{loaded.version}")
    lease.take()
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(LEASE_SECONDS / 6):
            lease.renew()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        lease.release()


# -- afterwards ------------------------------------------------------------------------------------


def folder_of(
    sweep: AnySweep, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None
) -> tuple[Store, Path]:
    """The store of a sweep and its folder there. A path to such a folder stands for the sweep, too."""
    if not isinstance(sweep, Sweep) and (Path(sweep) / "ledger.jsonl").exists():
        folder = Path(sweep).absolute()
        return Store(folder.parent.parent), folder
    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    opened = Store(loaded.store)
    return opened, opened.sweep_folder(loaded.name, loaded.version)


def status(
    sweep: AnySweep, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None
) -> Status:
    """How a sweep stands; works while it runs."""
    opened, folder = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    book = ledgers.require(folder)
    made = make(Sweep.model_validate_json((folder / "sweep.json").read_bytes()))
    keys = {slot.key for slot in made.slots}
    entries = [e for e in book.entries() if e.slot in keys]
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    counts["waiting"] = counts.get("waiting", 0) + len(keys) - len(entries)
    driver = ""
    lease = opened.lease(f"sweep-{made.sweep.name}-v{made.sweep.version}")
    try:
        lease.look()
    except LeaseHeld as held:
        driver = str(held)
    return Status(f"{made.sweep.name} v{made.sweep.version}", counts, len(keys), entries, driver)


def scores(
    sweep: AnySweep, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None
) -> pd.DataFrame:
    """The tidy scores table, one row a pair, seed, language and metric."""
    from xstilts.scores import table

    return table(*folder_of(sweep, store=store, mirror=mirror, tracking=tracking))


def report(
    sweep: AnySweep,
    out: str | os.PathLike[str] | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> dict[str, Path]:
    """Writes the report into `out` (in the sweep's folder where left out); returns its files by name."""
    from xstilts.report import write
    from xstilts.scores import read_sweep

    opened, folder = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    name = read_sweep(folder).name if isinstance(sweep, Sweep) else os.fspath(sweep)
    return write(opened, folder, Path(out) if out is not None else folder / "report", command=f"xstilts run {name}")


def submission(
    sweep: AnySweep,
    out: str | os.PathLike[str],
    *,
    intermediate: str = "best",
    model: str | None = None,
    seed: int | None = None,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> dict[str, Any]:
    """Writes one system's predictions in XTREME's submission format into `out`; its files and the warnings.

    `intermediate` may be `best`: for each target the one chosen on English development scores. Model and seed are
    the sweep's first where left out. InputError where the sweep has no such system.
    """
    from xstilts.data import DataContext
    from xstilts.scores import read_sweep
    from xstilts.submission import write

    opened, folder = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    ran = read_sweep(folder)
    first = ran.models[0]
    context = DataContext(mirror=mirror or ran.mirror, base=_base(sweep), cache=str(opened.data))
    named = model or (first.name if isinstance(first, Pretraining) else first.label)
    chosen = ran.seeds[0] if seed is None else seed
    files = write(opened, folder, model=named, intermediate=intermediate, seed=chosen, out=Path(out), context=context)
    return {"files": [str(path) for path in files], "notes": files[-1].read_text(encoding="utf-8")}


def track(sweep: AnySweep, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None) -> int:
    """Rebuilds the MLflow mirror from the records; returns the number of runs brought up to date."""
    from xstilts.scores import read_sweep
    from xstilts.tracking import rebuild, tracking_uri

    opened, folder = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    loaded = read_sweep(folder)
    uri = tracking_uri(tracking or loaded.tracking, opened)
    return 0 if uri is None else rebuild(opened, folder, uri)


def doctor(
    sweep: AnySweep | None = None, *, store: str | None = None, mirror: str | None = None, tracking: str | None = None
) -> Findings:
    """Looks at this machine for what a run of the sweep needs; starts nothing."""
    from xstilts.doctor import checks
    from xstilts.tracking import tracking_uri

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking) if sweep is not None else None
    opened = Store(loaded.store if loaded else store or "store")
    return Findings(checks(opened, tracking_uri(loaded.tracking if loaded else tracking, opened)))


def fetch(sweep: AnySweep, *, mirror: str, store: str | None = None, tracking: str | None = None) -> list[str]:
    """Fills the mirror with all datasets and models that the sweep names; returns what was fetched."""
    from xstilts.fetch import fetch as fill

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    return fill(loaded, mirror)
