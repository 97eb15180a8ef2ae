"""How a source names its languages: its own words for them in paths, configurations and row
filters.
"""

from __future__ import annotations

from xstilts.spec.task import Task, Use


def word(task: Task, language: str) -> str:
    """The source's own word for `language`."""
    return task.source_word(language)


def source_in_words(task: Task, language: str) -> str:
    """A task's source in `language`, for messages: `dataset org/name en`, `files a/en.csv`."""
    source = task.source
    if source.generator:
        return f"generator {source.generator}"
    if source.hub:
        return " ".join(filter(None, ("dataset", source.hub, source.config))).replace(
            "{language}", word(task, language)
        )
    files = ", ".join(source.files or ())
    return f"files {files.replace('{language}', word(task, language))}"


def row_filter(task: Task, language: str) -> dict[str, str]:
    """Column to the pattern that the rows in `language` match."""
    return {
        name: pattern.replace("{language}", word(task, language))
        for name, pattern in task.source.row_filter.items()
    }


def languages_read(task: Task) -> tuple[str, ...]:
    """The languages in which a task's own splits are read."""
    uses: tuple[Use, ...] = ("train", "dev", "test")
    read = [use for use in uses if getattr(task.splits, use)]
    return tuple(dict.fromkeys(language for use in read for language in task.languages_of(use)))


def tells_languages_apart(task: Task, pattern: str) -> bool:
    """Whether each language has rows of its own; true if the task reads only one language.

    `pattern` is a path or a configuration.
    """
    patterns = (pattern, *task.source.row_filter.values())
    return len(languages_read(task)) <= 1 or any("{language}" in one for one in patterns)
