"""Labels that cannot be learned, chosen by or scored, from the counts of each label in each use.

A split that is cut out of a file sorted by label lacks classes: training rows without one never
teach it, development rows of one class choose nothing. Each rule says only what cannot be an
accident of few rows. Places of right choices are no labels here (`data.doubts.choices` looks at
them), and `UNSEEN`, the open table's entry for labels that training rows lack, is meant to have no
training row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xstilts.spec import splits
from xstilts.spec.task import UNSEEN, Task, Use
from xstilts.store.doubts import Doubt

if TYPE_CHECKING:
    from xstilts.data.looked import Facts

RARE = 0.001
"""A tag without training tokens is told from this share of the tokens of a language on."""
MANY_UNSEEN = 0.05
"""Share of scored rows or tokens with a label that is in no table."""
EXPECTED = {"rows": 10, "tokens": 100}
"""Development rows or tokens that a label must be expected to have before it is missed."""
UNLIKE = 0.6
"""Distance between the label shares of training and development rows (half the sum of the
differences) that no shuffled cut of ten rows reaches.
"""
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class _Counted:
    """The labels of one use."""

    use: Use
    name: str
    """What rows of the use are called, with their task where it is not the trained one."""
    unit: str
    """`rows` or `tokens`."""
    of: Mapping[str, Counter[str]]
    """Language to label to its number."""

    @property
    def whole(self) -> Counter[str]:
        return sum(self.of.values(), Counter())

    @property
    def things(self) -> str:
        return f"{self.name} {self.unit}"


def doubts(facts: Sequence[Facts], tasks: Mapping[str, Task]) -> list[Doubt]:
    """Doubts about the labels of all trained tasks and of the targets that are scored with them;
    `tasks`: every task of the sweep by name.
    """
    found = []
    for name in dict.fromkeys(one.task for one in facts if one.use == "train"):
        task = tasks[name]
        if task.spec.labelled:
            found += [Doubt(task=name, message=text) for text in _of_task(task, facts, tasks)]
    return found


def _of_task(task: Task, facts: Sequence[Facts], tasks: Mapping[str, Task]) -> Iterator[str]:
    train, dev = _counted(task, "train", task, facts), _counted(task, "dev", task, facts)
    tests = [
        counted
        for other in tasks.values()
        if (other.train_task or other.name) == task.name
        and (counted := _counted(other, "test", task, facts))
    ]
    if train is None:
        return
    scored = [one for one in (dev, *tests) if one is not None]
    remedy = _remedy(task, facts)
    unlearned = list(_unlearned(task, train, scored, remedy))
    yield from unlearned
    yield from _from_one(task, [train, *scored])
    for counted in scored if unlearned else [train, *scored]:
        yield from _one_label(counted, remedy)
    if dev is not None and not unlearned:
        yield from _dev_unlike(task, train, dev, remedy)
    yield from _unseen(tests)


def _counted(task: Task, use: Use, trained: Task, facts: Iterable[Facts]) -> _Counted | None:
    """The labels of a use; None where its rows were not counted."""
    of = {
        one.language: Counter(one.labels)
        for one in facts
        if one.task == task.name and one.use == use and any(one.labels.values())
    }
    name = {"train": "training", "dev": "dev", "test": "test"}[use]
    if task.name != trained.name:
        name = f"{task.name}'s {name}"
    unit = "tokens" if task.spec.label_kind == "tags" else "rows"
    return _Counted(use=use, name=name, unit=unit, of=of) if of else None


def _unlearned(
    task: Task, train: _Counted, scored: Sequence[_Counted], remedy: str
) -> Iterator[str]:
    """Labels that some rows are scored with and no row teaches."""
    absent = [one for one in task.labels if not train.whole[one] and one != UNSEEN]
    least = RARE if train.unit == "tokens" else 0.0
    places = [(one, lacking) for one in scored if (lacking := _notable(one, absent, least))]
    if not places:
        return
    labels = [label for label in absent if any(label in lacking for _, lacking in places)]
    counts = " and ".join(_numbers(one, lacking) for one, lacking in places)
    it = "it" if len(labels) == 1 else "one of them"
    noun = train.things[:-1]
    yield (
        f"{_named(labels)} {'has' if len(labels) == 1 else 'have'} no {noun} ({counts} have {it}), "
        f"so {'it is' if len(labels) == 1 else 'they are'} never predicted; {remedy}"
    )


def _from_one(task: Task, counted: Sequence[_Counted]) -> Iterator[str]:
    """The first label of a table has no row anywhere and all others have."""
    rows = sum((one.whole for one in counted), Counter[str]())
    first, *others = task.labels
    if len(others) > 1 and not rows[first] and all(rows[label] for label in others):
        yield (
            f"label `{first}`, the first of the table, has no {counted[0].unit} in any use, and "
            "every other label has: are ids counted from 1? They must be from 0 in the order of "
            "`labels:`"
        )


def _notable(counted: _Counted, labels: Sequence[str], least: float) -> list[str]:
    """The labels that have more than a share `least` of a language's rows or tokens."""
    return [
        label
        for label in labels
        if any(of[label] > least * of.total() for of in counted.of.values())
    ]


def _numbers(counted: _Counted, labels: Sequence[str]) -> str:
    """`10 of 30 test rows`: in the language where they have most, and in how many others."""
    has = {one: sum(of[label] for label in labels) for one, of in counted.of.items()}
    worst = max(has, key=lambda one: has[one] / counted.of[one].total())
    text = f"{has[worst]:,} of {counted.of[worst].total():,} {counted.things}"
    if len(has) == 1:
        return text
    if len({(n, counted.of[one].total()) for one, n in has.items()}) == 1:
        return f"{text} in each of {len(has)} languages"
    others = sum(n > 0 for n in has.values()) - 1
    more = f", and some in {others} more language{'s' if others > 1 else ''}," if others else ""
    return f"{text} in {worst}{more}"


def _one_label(counted: _Counted, remedy: str) -> Iterator[str]:
    """Rows that all have one label, where there are several to tell apart: those of a test language
    by language, as they are scored.
    """
    groups = counted.of if counted.use == "test" else {"": counted.whole}
    then = {
        "train": f"there is nothing to learn; {remedy}",
        "dev": f"no choice can be made by them; {remedy}",
        "test": "a score of them says nothing about the other labels; take other rows",
    }[counted.use]
    alone: dict[tuple[str, int], list[str]] = {}
    for language, of in groups.items():
        there = [label for label, n in of.items() if n]
        if len(there) == 1 and of.total() > 1:
            alone.setdefault((there[0], of.total()), []).append(language)
    for (label, n), languages in alone.items():
        where = f" in {', '.join(languages)}" if len(groups) > 1 else ""
        yield f"all {n:,} {counted.things}{where} have the label `{label}`: {then}"


def _dev_unlike(task: Task, train: _Counted, dev: _Counted, remedy: str) -> Iterator[str]:
    """Development rows whose labels are not those of the training rows."""
    learnt, chosen = train.whole, dev.whole
    n_train, n_dev = learnt.total(), chosen.total()
    missed = [
        label
        for label in task.labels
        if not chosen[label] and learnt[label] / n_train * n_dev >= EXPECTED[dev.unit]
    ]
    alone = sum(n > 0 for n in chosen.values()) == 1
    if alone:
        return
    if missed:
        share = sum(learnt[label] for label in missed)
        yield (
            f"{_named(missed)} {'has' if len(missed) == 1 else 'have'} no {dev.things[:-1]}, but "
            f"{share:,} of {n_train:,} {train.things}: checkpoints are chosen without "
            f"{'it' if len(missed) == 1 else 'them'}; {remedy}"
        )
        return
    labels = {*learnt, *chosen}
    distance = sum(abs(learnt[one] / n_train - chosen[one] / n_dev) for one in labels) / 2
    if distance > UNLIKE and min(n_train, n_dev) >= EXPECTED[dev.unit]:
        most = max(labels, key=lambda one: abs(learnt[one] / n_train - chosen[one] / n_dev))
        yield (
            f"dev and training {dev.unit} have other labels: {chosen[most]:,} of {n_dev:,} "
            f"{dev.things} are `{most}`, but {learnt[most]:,} of {n_train:,} {train.things}; "
            f"{remedy}"
        )


def _unseen(tests: Sequence[_Counted]) -> Iterator[str]:
    """Labels of test rows that an open table lacks."""
    for counted in tests:
        if _notable(counted, [UNSEEN], MANY_UNSEEN):
            yield (
                f"{_numbers(counted, [UNSEEN])} have a label that no training row has, and count "
                "as mistakes; do both write labels alike?"
            )


def _named(labels: Sequence[str]) -> str:
    shown = ", ".join(f"`{label}`" for label in labels[:_SHOWN])
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"label{'s' if len(labels) > 1 else ''} {shown}{more}"


def _remedy(task: Task, facts: Iterable[Facts]) -> str:
    """What to do, by the way in which the rows were taken."""
    limits = {
        (use, limit)
        for one in (task, *task.leaves)
        for use, limit in (("train", one.limits.train), ("dev", one.limits.dev))
    }
    if any(one.task == task.name and (one.use, one.rows) in limits for one in facts):
        return (
            "`limits` take the first rows of a split, which may be sorted: shuffle its file, or "
            "raise the limit"
        )
    for leaf in task.leaves:
        train, dev = leaf.splits.train or "", leaf.splits.dev or ""
        if {piece.name for piece in _cuts(train)} & {piece.name for piece in _cuts(dev)}:
            return (
                f"`{train}` and `{dev}` are cut from one split whose rows seem sorted: shuffle its "
                "file, or name other splits under `splits:`"
            )
    if any(_cuts(leaf.splits.train or "") for leaf in task.leaves):
        return "a cut takes rows in the order of the file, which may be sorted: shuffle the file"
    return "take other rows under `splits:`, or set `labels:` to what the rows have"


def _cuts(expression: str) -> list[splits.Piece]:
    pieces = splits.parse(expression) if expression else ()
    return [piece for piece in pieces if piece.start or piece.stop]
