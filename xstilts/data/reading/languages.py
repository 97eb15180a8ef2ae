"""How a source names its languages: its own words for them in paths, configurations and row
filters.
"""

from __future__ import annotations

from xstilts.spec.languages import same
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
    return tuple(
        dict.fromkeys(language for use in _uses_read(task) for language in task.languages_of(use))
    )


def tells_languages_apart(task: Task, pattern: str) -> bool:
    """Whether each language has rows of its own; true if the task reads only one language, under
    whatever names (trained on `en`, scored on `en-GB`).

    `pattern` is a path or a configuration.
    """
    patterns = (pattern, *task.source.row_filter.values())
    return _reads_one(task) or any("{language}" in one for one in patterns)


def _reads_one(task: Task) -> bool:
    read = languages_read(task)
    each = [len(task.languages_of(use)) for use in _uses_read(task)]
    return max(each, default=1) <= 1 and all(same(read[0], one) for one in read)


def _uses_read(task: Task) -> list[Use]:
    uses: tuple[Use, ...] = ("train", "dev", "test")
    return [use for use in uses if getattr(task.splits, use)]
