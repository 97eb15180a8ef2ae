"""A pair's checkpoint as an ordinary transformers model, in a folder or on the hub."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.api.given import AnySweep, base_of, file_of, folder_of
from xstilts.api.verb_values import ExportResult
from xstilts.errors import CorruptError, InputError, StoreError
from xstilts.sources import uploads
from xstilts.store.ledger import Entry
from xstilts.store.local_files import write_bytes
from xstilts.store.phases import Store
from xstilts.store.reading import ReadStore
from xstilts.store.sweeps import read_sweep

if TYPE_CHECKING:
    from xstilts.formats.exporting import Exported
    from xstilts.sources.context import DataContext

CARD = "README.md"


def export(
    sweep: AnySweep,
    pair: str,
    to: str | os.PathLike[str],
    *,
    model: str | None = None,
    seed: int | None = None,
    body: bool = False,
    public: bool = False,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> ExportResult:
    """Writes the chosen checkpoint of a pair with its head, tokenizer and card.

    `pair` is `squad/xquad` or `squad→xquad`; `to` a new or empty folder, or `hub:owner/name`, a
    repository that is made private unless `public`. Model and seed default to the sweep's first.
    With `body` the body alone is written, without a head.

    What is written is opened again and gives the outputs that were scored; where transformers has
    no class that does, InputError says so. InputError also for a pair, model or seed that the sweep
    has not; StoreError where the pair has no scores yet or its checkpoint is gone; DataError where
    the hub can't be reached or refuses.
    """
    from xstilts.results import model_cards, pairs
    from xstilts.results.unreadable import unreadable

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    reading = ReadStore.of(home.store)
    entries, kept = reading.ledger(home.folder).entries(), read_sweep(home.folder)
    named = pairs.parse(pair, kept)
    entry = pairs.evaluation(named, kept, entries, model=model, seed=seed)
    _require_checkpoint(reading, entry, str(named))
    destination = os.fspath(to)
    hub = uploads.repository(destination)
    context = _context(sweep, mirror or kept.mirror, home.store)
    again = _commands(sweep, str(named).replace("→", "/"), destination, model, seed, body)
    with _staged(destination, hub) as folder:
        exported = _write(reading, entry, folder, context, body=body)
        text = model_cards.card(
            reading,
            kept,
            entries,
            named,
            entry,
            exported,
            name=hub or Path(destination).name,
            commands=again,
        )
        write_bytes(folder / CARD, text.encode())
        files = sorted(path.name for path in folder.iterdir())
        message = f"{named}, seed {entry.seed}, of sweep {kept.name} v{kept.version}"
        where = (
            uploads.UPLOADS.upload(hub, folder, private=not public, message=message)
            if hub
            else str(Path(destination).absolute())
        )
    return ExportResult(
        pair=str(named),
        model=entry.model,
        seed=entry.seed,
        phase=entry.train_phase,
        evaluation=entry.phase,
        to=where,
        model_class=exported.model_class if exported else "AutoModel",
        pipeline=exported.pipeline if exported else "feature-extraction",
        files=files,
        unreadable=unreadable(reading, reading.damages, entries),
    )


def _require_checkpoint(store: Store, entry: Entry, pair: str) -> None:
    """InputError where nothing was trained for the pair, CorruptError where its checkpoint is
    damaged or gone.
    """
    if not entry.train_phase:
        raise InputError(
            f"{pair} scores the base model {entry.model} as it is: nothing was trained, so there "
            "is nothing to export; use the base model itself"
        )
    try:
        store.phase(entry.train_phase).checkpoint()
    except CorruptError as error:
        raise CorruptError(f"the checkpoint of {pair} can't be used: {error}") from error


def _context(sweep: AnySweep, mirror: str | None, store: Store) -> DataContext:
    from xstilts.sources.context import DataContext

    return DataContext(mirror=mirror, base=base_of(sweep), cache=str(store.data))


def _write(
    store: Store, entry: Entry, folder: Path, context: DataContext, *, body: bool
) -> Exported | None:
    """Writes the model and its tokenizer; returns what the head went into, None for a bare body."""
    from xstilts import formats
    from xstilts.models import exported, model
    from xstilts.models.checkpoints import hushed

    spec = store.phase(entry.phase).record().spec
    task, longest = spec.members[0].task, spec.hyper.max_length_tokens
    try:
        with hushed():
            loaded = model.load(spec, store, context)
            if body:
                exported.write_body(loaded, folder, max_length_tokens=longest)
                return None
            exported.write(loaded, task, folder, max_length_tokens=longest)
    except exported.NoPlace as error:
        raise InputError(
            f"{entry.intermediate}→{entry.target} can't be exported with its head: {error}; --body "
            "writes the body alone"
        ) from error
    return formats.get(task.format).exported


@contextmanager
def _staged(destination: str, hub: str | None) -> Iterator[Path]:
    """A folder to write to; afterwards it is the destination, where that is a folder. Nothing is
    left of it where the block fails.
    """
    if hub:
        uploads.UPLOADS.ready(hub)
        with tempfile.TemporaryDirectory(prefix="xstilts-export-") as made:
            yield Path(made)
        return
    folder = Path(destination).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"--to is {destination}, which is there already; give a new or empty folder"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=f".{folder.name}.", ignore_cleanup_errors=True
        ) as made:
            inner = Path(made) / folder.name
            inner.mkdir()
            yield inner
            inner.replace(folder)
    except OSError as error:
        raise StoreError(
            f"--to is {destination}, which can't be written: {error.strerror or error}"
        ) from error


def _commands(
    sweep: AnySweep, pair: str, destination: str, model: str | None, seed: int | None, body: bool
) -> list[str]:
    """The commands that make the export again, without the paths of this machine."""
    file = file_of(sweep)
    name = Path(file).name if file and Path(file).is_file() else "SWEEP"
    to = destination if destination.startswith(uploads.PREFIX) else Path(destination).name
    chosen = [
        *(["--model", model] if model is not None else []),
        *(["--seed", str(seed)] if seed is not None else []),
        *(["--body"] if body else []),
    ]
    commands = [["run", name], ["export", name, pair, "--to", to, *chosen]]
    return [shlex.join(["xstilts", *words]) for words in commands]
