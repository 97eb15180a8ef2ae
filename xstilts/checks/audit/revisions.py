"""What each name in a sweep stands for at this moment: commits, content hashes, rows.

`main` moves and a mirror may be old, so results are tied to what was really read: for the hub a
commit, for a mirror and the user's own files a hash of their content, for the generator its
version. Nothing is judged here: `cards.py` compares, `data/reading` refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from xstilts.checks.audit import cards
from xstilts.planning import Plan
from xstilts.planning.filling import trained_tasks
from xstilts.sources.base_models import model_revision
from xstilts.sources.sweep_models import sweep_models
from xstilts.spec import splits
from xstilts.spec.digests import digest
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Action, Limits, Task, Use

if TYPE_CHECKING:
    from xstilts.data.looked import Facts
    from xstilts.sources.context import DataContext

Resolved = Literal["commit", "content", "version"]


@dataclass(frozen=True, kw_only=True)
class Read:
    """One task's rows for one use."""

    task: str
    use: Use
    source: str
    """Dataset and configuration, files, or generator."""
    languages: tuple[str, ...]
    split: str
    """The split expression."""
    asked: str
    """The hub revision that the task asks for; empty for files and the generator. A mirror does not
    say which revision it holds.
    """
    resolved: str
    """What was read: a commit of the hub, a content hash, or the generator's version; empty for a
    union, whose parts have their own.
    """
    kind: Resolved
    rows: int
    """Rows used over all languages, after cuts and limits. Where rows were looked at those that are
    trained or scored, and those that a transform adds; for a part of a union, whose rows are looked
    at as a whole, all of them.
    """
    has: str
    """Rows of the whole splits, in words: `5,010 each`; of a union those of its parts."""
    card: str
    """Rows of the whole splits by the card, in words; empty without a card."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why rows of the split are not used, to how many over all languages."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "languages": list(self.languages)}


@dataclass(frozen=True, kw_only=True)
class ReadModel:
    """One base model, tokenizer or translator."""

    model: str
    asked: str
    resolved: str
    """Commit of the hub, or hash of the folder's files."""


def reads(plan: Plan, context: DataContext, facts: Iterable[Facts] = ()) -> list[Read]:
    """All rows that a plan reads; DataError if some can't be read. `facts` are what was found in
    them.
    """
    sweep = plan.sweep
    found = _all_reads(plan, context)
    of: dict[tuple[str, Use], list[Facts]] = {}
    for one in facts:
        of.setdefault((one.task, one.use), []).append(one)
    return [_looked_at(read, of.get((read.task, read.use), []), sweep) for read in found]


def _looked_at(read: Read, facts: list[Facts], sweep: Sweep) -> Read:
    """Rows as they are used, if they were looked at."""
    if not facts:
        return read
    from xstilts.data import transforms

    left_out: Counter[str] = Counter()
    rows = 0
    for one in facts:
        left_out.update(one.left_out)
        added = one.use == "train"
        rows += transforms.expected_rows(one.rows, sweep.task(one.task)) if added else one.rows
    return replace(read, rows=rows, left_out=dict(left_out))


def _all_reads(plan: Plan, context: DataContext) -> list[Read]:
    sweep = plan.sweep
    found = [
        read for name in trained_tasks(plan) for read in _reads(sweep.task(name), "train", context)
    ]
    return found + [
        read for name in sweep.targets for read in _reads(sweep.task(name), "evaluate", context)
    ]


def models(plan: Plan, context: DataContext) -> list[ReadModel]:
    """All base models, tokenizers and translators of a plan; DataError if one can't be read."""
    found = {}
    for one in sweep_models(plan.sweep):
        resolved = model_revision(one.id, context, one.revision, weights=one.weights)
        found[one.id] = ReadModel(model=one.id, asked=one.revision, resolved=resolved)
    return list(found.values())


def _reads(task: Task, action: Action, context: DataContext) -> Iterator[Read]:
    from xstilts.data import task_data
    from xstilts.data.reading import sources

    if task.parts:
        yield from _whole(task, action, context)
    for leaf in task.leaves:
        for use in filter(leaf.has, leaf.uses(action)):
            languages, expression = leaf.languages_of(use), getattr(leaf.splits, use)
            names = splits.names(expression)
            counts = [
                [sources.count(leaf, name, one, context) for one in languages] for name in names
            ]
            kind, resolved = _resolved(leaf, names, languages, context)
            yield Read(
                task=task.name if leaf is task else f"{task.name}: {leaf.name}",
                use=use,
                source=_source_name(leaf),
                languages=languages,
                split=expression,
                asked=leaf.source.revision if leaf.source.hub else "",
                resolved=resolved,
                kind=kind,
                rows=task_data.sizes(leaf, use, None, context),
                has=" + ".join(
                    cards.words(min(each), max(each), len(languages)) for each in counts
                ),
                card=cards.expected(leaf, use),
            )


def _whole(task: Task, action: Action, context: DataContext) -> Iterator[Read]:
    """A union as a whole, with its own limit and transform."""
    from xstilts.data import task_data

    plain = task.model_copy(update={"transform": None, "limits": Limits()})
    for use in filter(task.has, task.uses(action)):
        yield Read(
            task=task.name,
            use=use,
            source=f"{len(task.parts)} parts",
            languages=task.languages_of(use),
            split="",
            asked="",
            resolved="",
            kind="content",
            rows=task_data.sizes(task, use, None, context),
            has=f"{task_data.sizes(plain, use, None, context):,}",
            card="",
        )


def _source_name(task: Task) -> str:
    source = task.source
    if source.hub:
        return f"{source.hub} {source.config}" if source.config else source.hub
    return f"generator {source.generator}" if source.generator else ", ".join(source.files or ())


def _resolved(
    task: Task, names: tuple[str, ...], languages: tuple[str, ...], context: DataContext
) -> tuple[Resolved, str]:
    from xstilts.data.reading import sources
    from xstilts.sources import hub

    source = task.source
    if source.generator is not None:
        from xstilts.tasks import generator

        return "version", str(generator.VERSION)
    if source.hub is None or context.mirror:
        return "content", digest(
            [
                [one, name, sources.content(task, name, one, context)]
                for one in languages
                for name in names
            ]
        )
    revision, _ = sources.hub_listing(source.hub, source.revision, hub.of(context))
    return "commit", hub.of(context).commit("dataset", source.hub, revision)
