"""Which words a sweep file may use for languages: codes, so that every rule knows what they mean.

A word becomes part of file names too. So nothing but a code passes, and two words of one list must
differ in more than capitals, which some file systems do not tell apart. Two words for one language
(`zh` and `zh-CN`) are allowed: each has rows and scores of its own. The generator's languages have
made-up codes, which only its own tasks may use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xstilts.errors import SweepError
from xstilts.spec import languages
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task
from xstilts.sweep_file.yaml_document import Document, Path, path_text


def task(document: Document, task: Task, path: Path) -> None:
    """Notes words of a task that are no language codes, and words that would share a file."""
    made_up = _made_up()
    own = made_up if any(leaf.source.generator for leaf in task.leaves) else frozenset()
    for at, words in _lists(task, path):
        for place, word in words:
            if not languages.is_known(word) and word not in own:
                why = _why(word, made_up, named=place[len(path)] != "transform")
                document.complain(place, f'{path_text(place)} is "{word}", {why}')
        _complain_alike(document, [word for _, word in words], at)


def sweep(sweep: Sweep) -> None:
    """The same for all tasks of a sweep that was made without a file; raises SweepError."""
    document = Document(file=f"sweep {sweep.name}")
    for one in sweep.tasks:
        task(document, one, ("tasks", one.name))
    if document.problems:
        raise SweepError(document.problems)


def _lists(task: Task, path: Path) -> Iterator[tuple[Path, list[tuple[Path, str]]]]:
    """Each place of a task that lists languages, and the words there with their own places."""
    lists: list[tuple[Path, Iterable[str]]] = [((*path, "languages"), task.languages)]
    at = (*path, "train_language")
    if isinstance(task.train_language, str):
        yield at, [(at, task.train_language)]
    else:
        lists.append((at, task.train_language))
    for name, kind in task.transform or ():
        if hasattr(kind, "languages"):
            lists.append(((*path, "transform", name, "languages"), kind.languages))
        if hasattr(kind, "language_codes"):
            yield _keys(kind.language_codes, (*path, "transform", name, "language_codes"))
    yield _keys(task.language_names, (*path, "language_names"))
    for at, words in lists:
        yield at, [((*at, i), word) for i, word in enumerate(words)]


def _keys(words: Iterable[str], at: Path) -> tuple[Path, list[tuple[Path, str]]]:
    return at, [((*at, word), word) for word in words]


def _made_up() -> frozenset[str]:
    """The languages of the built-in generator."""
    from xstilts.tasks import TASKS

    return frozenset(
        word for task in TASKS.values() if task.source.generator for word in task.languages
    )


def _why(word: str, made_up: frozenset[str], *, named: bool) -> str:
    """`named`: the sweep file can say what the source calls the language."""
    if word in made_up:
        return f"a language of the generator's own tasks; give yours a code such as x-{word}"
    nearest = languages.suggestion(word)
    if not nearest:
        must = "must be one such as en, zh-Hant or zho_Hans, or x-NAME for a language without"
        return f"which is no language code; {must}"
    if not named:
        return f"which is no language code; nearest: {nearest}"
    names = f"`languages: [{nearest}]` and `language_names: {{{nearest}: {word}}}`"
    return f"which is no language code; nearest: {nearest}. If the source says {word}: {names}"


def _complain_alike(document: Document, words: list[str], at: Path) -> None:
    """Words that differ in capitals only."""
    spelled: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        spelled.setdefault(word.casefold(), []).append(word)
    for alike in spelled.values():
        if len(alike) > 1:
            names = " and ".join(alike)
            document.complain(
                at,
                f"{path_text(at)} has {names}, which differ in capitals only and would share a "
                "file; keep one",
            )
