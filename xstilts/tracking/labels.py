"""Names, tags and descriptions of the runs, as a reader of MLflow sees them."""

from __future__ import annotations

from xstilts.spec import inert
from xstilts.store.ledger import Entry
from xstilts.tracking.book import Book
from xstilts.tracking.numbers import KnownPhase


def run_name(entry: Entry, *, several_models: bool) -> str:
    """`squad→udpos s1` for a pair's scores, `squad→udpos train t2` for the training of trial 2."""
    which = f"t{entry.trial}" if entry.trial is not None else f"s{entry.seed}"
    what = {"evaluate": "", "pretrain": "pretrain "}.get(entry.kind, "train ")
    model = f"{entry.model}: " if several_models and entry.kind != "pretrain" else ""
    return f"{model}{pair_name(entry)} {what}{which}"


def pair_name(entry: Entry) -> str:
    """`squad→udpos`; an intermediate alone, or the model of a pretraining."""
    if entry.kind == "pretrain":
        return entry.model
    return f"{entry.intermediate}→{entry.target}" if entry.target else entry.intermediate


def note(
    entry: Entry, origin: str, checkpoint: str, book: Book, *, several_models: bool
) -> dict[str, str]:
    """The run's description: what went wrong, what it starts from, where its checkpoint lies."""
    verb = "Scores" if entry.kind == "evaluate" else "Starts from"
    lines = [f"**{entry.state}**: {inert.markdown(entry.error)}" if entry.error else ""]
    if origin in book.slots:
        name = run_name(book.main(origin), several_models=several_models)
        lines.append(f"{verb} the checkpoint of **{inert.markdown(name)}**.")
    lines.append(f"Checkpoint: {inert.code(checkpoint)}" if checkpoint else "")
    text = "\n\n".join(line for line in lines if line)
    return {"mlflow.note.content": text[:5000]} if text else {}


def tags(key: str, known: KnownPhase, book: Book) -> dict[str, str]:
    """The tags of a phase's run; empty ones are left out."""
    entry, slots = book.main(key), book.slots[key]
    found = {
        "xstilts.key": key,
        "xstilts.phase": entry.phase,
        "xstilts.kind": entry.kind,
        "xstilts.slot": ", ".join(e.slot for e in slots),
        "xstilts.pair": ", ".join(dict.fromkeys(pair_name(e) for e in slots)),
        "xstilts.role": entry.role,
        "xstilts.chosen": "yes" if entry.phase in book.chosen else "",
        "xstilts.seed": str(entry.seed),
        "xstilts.state": entry.state,
        "xstilts.study": entry.study,
        "xstilts.trial": "" if entry.trial is None else str(entry.trial),
        "xstilts.parent": entry.parent,
        "xstilts.train_phase": entry.train_phase,
        "xstilts.intermediate_phase": ", ".join(entry.intermediate_phases),
        "xstilts.error": entry.error,
        "xstilts.attempts": str(entry.attempts) if entry.attempts > 1 else "",
        "xstilts.host": known.provenance.host if known.provenance else "",
        "xstilts.device": known.provenance.device if known.provenance else "",
        "xstilts.stopped": known.trained.stopped if known.trained else "",
        "mlflow.source.name": "xstilts",
    }
    return {name: value[:5000] for name, value in found.items() if value}
