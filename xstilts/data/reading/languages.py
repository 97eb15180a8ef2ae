"""How a source tells its languages apart: its own words for them, in paths, configurations and row
filters.
"""

from __future__ import annotations

from xstilts.spec.task import Task, Use


def word(task: Task, language: str) -> str:
    """The source's own word for `language`."""
    return task.language_names.get(language, language)


def row_filter(task: Task, language: str) -> dict[str, str]:
    """Column to the pattern that rows in `language` match."""
    return {
        name: pattern.replace("{language}", word(task, language))
        for name, pattern in task.source.row_filter.items()
    }


def spoken(task: Task) -> tuple[str, ...]:
    """The languages that a task's own splits are read in."""
    uses: tuple[Use, ...] = ("train", "dev", "test")
    read = [use for use in uses if getattr(task.splits, use)]
    return tuple(dict.fromkeys(language for use in read for language in task.languages_of(use)))


def speaks_all(task: Task, pattern: str) -> bool:
    """Whether rows of one language can be told from those of another where there are several."""
    patterns = (pattern, *task.source.row_filter.values())
    return len(spoken(task)) <= 1 or any("{language}" in one for one in patterns)
