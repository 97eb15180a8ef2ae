"""The numbers of the cards, each with its source (see `card.py`).

`facts`: the project's notes on the papers and on the code of XTREME and jiant. `hub`: the split
sizes that the hub's own library states for the dataset (`dataset_infos.json` of
huggingface/datasets). `counted`: in a copy of the data. `memory`: recalled, not looked up; such a
number only ever leads to a note.

Lengths are mean characters of one input sequence in English: counted if a copy was at hand, else
estimated from the bytes that the hub states for a split, divided by its rows, without what is not
text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.task import Task
from xstilts.tasks import TASKS
from xstilts.tasks.card import Card, Rows

_NLI = ("entailment", "neutral", "contradiction")


def _is(number: int, source: str) -> Rows:
    """Every language has this number of rows."""
    return Rows(low=number, high=number, source=source)


def _hub(**numbers: int) -> dict[str, Rows]:
    return {name: _is(number, "hub") for name, number in numbers.items()}


def _each(
    source: str, low: int, high: int, typical: int | None = None, *, by_language: str = ""
) -> Rows:
    """Languages have `low` to `high` rows; `by_language` is `en:20 de:10` for those known apart."""
    numbers = dict(entry.split(":") for entry in by_language.split())
    known = {language: int(number) for language, number in numbers.items()}
    return Rows(low=low, high=high, typical=typical, by_language=known, source=source)


_UDPOS_DEV = _each(
    "counted",
    1,
    19_233,
    1_000,
    by_language=(
        "af:194 ar:909 bg:1_115 de:19_233 el:403 en:3_974 es:3_054 et:3_125 eu:1_798 fa:599 "
        "fi:3_239 fr:2_903 he:484 hi:1_659 hu:441 id:559 it:2_278 ja:511 ko:3_016 mr:46 "
        "nl:1_394 pt:1_770 ru:8_108 ta:80 te:131 tr:988 ur:552 vi:800 zh:1_000"
    ),
)
_UDPOS = Card(
    characters=90,
    rows={
        "train": _each("facts", 1, 1_000_000, by_language="en:21_253"),
        "validation": _UDPOS_DEV,
        "test": _each("facts", 47, 20_436, 2_000),
    },
)
_PANX = Card(
    characters=41,
    rows={
        "train": _each("facts", 100, 20_000, by_language="en:20_000"),
        "validation": _each(
            "counted",
            100,
            10_000,
            6_500,
            by_language=(
                "ar:10_000 de:10_000 en:10_000 es:10_000 fr:10_000 hi:1_000 ru:10_000 sw:1_000 "
                "tr:10_000 vi:10_000"
            ),
        ),
        "test": _each("facts", 100, 10_000, 6_500),
    },
    labels=("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"),
)
_XQUAD = Card(
    characters=866, rows={"validation": _is(1_190, "counted"), "test": _is(1_190, "facts")}
)
_TATOEBA = Card(
    characters=51,
    sequences=2,
    rows={
        "validation": _each(
            "counted",
            1,
            1_000,
            1_000,
            by_language=(
                "af:1_000 ar:1_000 bg:1_000 bn:1_000 de:1_000 el:1_000 es:1_000 et:1_000 eu:1_000 "
                "fa:1_000 fi:1_000 fr:1_000 he:1_000 hi:1_000 hu:1_000 id:1_000 it:1_000 ja:1_000 "
                "jv:205 ka:746 kk:575 ko:1_000 ml:687 mr:1_000 nl:1_000 pt:1_000 ru:1_000 sw:390 "
                "ta:307 te:234 th:548 tl:1_000 tr:1_000 ur:1_000 vi:1_000 zh:1_000"
            ),
        ),
    },
)

_INTERMEDIATES = {
    "mnli": Card(
        characters=170,
        rows=_hub(train=392_702, validation_matched=9_815, validation_mismatched=9_832),
        labels=_NLI,
    ),
    "snli": Card(
        characters=104, rows=_hub(train=550_152, validation=10_000, test=10_000), labels=_NLI
    ),
    "anli_r1": Card(
        characters=390, rows=_hub(train_r1=16_946, dev_r1=1_000, test_r1=1_000), labels=_NLI
    ),
    "anli_r2": Card(
        characters=390, rows=_hub(train_r2=45_460, dev_r2=1_000, test_r2=1_000), labels=_NLI
    ),
    "anli_r3": Card(
        characters=390, rows=_hub(train_r3=100_459, dev_r3=1_200, test_r3=1_200), labels=_NLI
    ),
    "qqp": Card(characters=120, rows=_hub(train=363_846, validation=40_430, test=390_965)),
    "squad": Card(
        characters=811, rows={"train": _is(87_599, "facts"), "validation": _is(10_570, "counted")}
    ),
    "squad_pairs": Card(
        characters=440,
        sequences=2,
        rows={"train": _is(87_599, "facts"), "validation": _is(10_570, "counted")},
    ),
    "squad_v2": Card(characters=811, rows=_hub(train=130_319, validation=11_873)),
    "hellaswag": Card(
        characters=341, sequences=4, rows=_hub(train=39_905, validation=10_042, test=10_003)
    ),
    "ccg": Card(characters=125, rows={"train": _is(38_015, "facts"), "dev": _is(5_484, "memory")}),
    "cosmos_qa": Card(
        characters=485, sequences=4, rows=_hub(train=25_262, validation=2_985, test=6_963)
    ),
    "commonsense_qa": Card(
        characters=80, sequences=5, rows=_hub(train=9_741, validation=1_221, test=1_140)
    ),
    "social_i_qa": Card(characters=129, sequences=3, rows=_hub(train=33_410, validation=1_954)),
    "cola": Card(characters=41, rows=_hub(train=8_551, validation=1_043, test=1_063)),
    "sst2": Card(characters=54, rows=_hub(train=67_349, validation=872, test=1_821)),
    "stsb": Card(characters=112, rows=_hub(train=5_749, validation=1_500, test=1_379)),
    "rte": Card(characters=320, rows=_hub(train=2_490, validation=277, test=3_000)),
    "mrpc": Card(characters=238, rows=_hub(train=3_668, validation=408, test=1_725)),
    "wic": Card(
        characters=90,
        rows={
            "train": _is(5_428, "memory"),
            "validation": _is(638, "memory"),
            "test": _is(1_400, "memory"),
        },
    ),
    "paws": Card(characters=227, rows=_hub(train=49_401, validation=8_000, test=8_000)),
    "swag": Card(
        characters=130, sequences=4, rows=_hub(train=73_546, validation=20_006, test=20_005)
    ),
    "race": Card(
        characters=1_640, sequences=4, rows=_hub(train=87_866, validation=4_887, test=4_934)
    ),
    "conll2000": Card(characters=125, rows=_hub(train=8_937, test=2_013)),
    "copa": Card(
        characters=70,
        sequences=2,
        rows={"train": _is(400, "counted"), "validation": _is(100, "counted")},
    ),
    "deprel": Card(
        characters=80,
        rows={
            "train": _is(12_543, "memory"),
            "dev": _is(2_002, "memory"),
            "validation": _is(2_002, "memory"),
            "test": _is(2_077, "memory"),
        },
    ),
    "mlm": Card(
        characters=277,
        rows={
            "train": _each(
                "counted",
                1,
                69_354,
                by_language=(
                    "ar:20_459 de:40_178 el:17_853 en:69_354 es:34_442 fr:35_409 hi:7_837 "
                    "ru:32_193 sw:13_524 th:2_973 tr:22_608 vi:14_755 zh:13_909"
                ),
            )
        },
    ),
}

_TARGETS = {
    "xnli": Card(
        characters=160,
        rows={
            "train": _is(392_702, "facts"),
            "validation": _is(2_490, "facts"),
            "test": _is(5_010, "facts"),
        },
        labels=_NLI,
    ),
    "pawsx": Card(
        characters=227,
        rows={
            "train": _is(49_401, "facts"),
            "validation": _is(2_000, "facts"),
            "test": _is(2_000, "facts"),
        },
    ),
    "udpos": _UDPOS,
    "udpos_r": Card(
        characters=90,
        rows={
            "train": _each("memory", 1, 1_000_000, by_language="en:21_253"),
            "dev": _each("memory", 1, 30_000, 2_000),
            "test": _each("memory", 1, 30_000, 2_000),
        },
    ),
    "panx": _PANX,
    "panx_r": _PANX,
    "xquad": _XQUAD,
    "xquad_r": _XQUAD,
    "mlqa": Card(
        characters=950,
        # All seven agree with the range of the facts, 4,517 to 11,590; Arabic with the hub's own
        # table.
        rows={
            "validation": _each(
                "memory",
                500,
                1_148,
                by_language="en:1_148 de:512 es:500 ar:517 zh:504 vi:511 hi:507",
            ),
            "test": _each(
                "memory",
                4_517,
                11_590,
                by_language="en:11_590 de:4_517 es:5_253 ar:5_335 zh:5_137 vi:5_495 hi:4_918",
            ),
        },
    ),
    "tydiqa": Card(
        characters=700,
        # English from the facts; the others from memory, and their sums are the hub's 49,881 and
        # 5,077.
        rows={
            "train": _each(
                "facts",
                1_625,
                14_805,
                by_language=(
                    "ar:14_805 bn:2_390 en:3_696 fi:6_855 id:5_702 ko:1_625 ru:6_490 sw:2_755 "
                    "te:5_563"
                ),
            ),
            "validation": _each(
                "memory",
                113,
                921,
                by_language="ar:921 bn:113 en:440 fi:782 id:565 ko:276 ru:812 sw:499 te:669",
            ),
        },
    ),
    "tatoeba": _TATOEBA,
    "tatoeba_r": Card(characters=51, sequences=2, rows={"test": _each("memory", 1, 1_000, 900)}),
    "bucc": Card(
        characters=120,
        sequences=2,
        rows={
            "validation": _each("memory", 1, 1_000_000, 1_000),
            "test": _each("facts", 1_896, 14_330, 8_500),
        },
    ),
    "xcopa": Card(
        characters=70,
        sequences=2,
        rows={"validation": _is(100, "counted"), "test": _is(500, "counted")},
    ),
    # Questions and all candidate sentences; of Mewsli-X all mentions (2,991 and 14,624 over its
    # eleven languages) and a share of its 1,003,893 candidates.
    "lareqa": Card(
        characters=480, sequences=2, rows={"train": _each("memory", 1_190, 5_000, 2_400)}
    ),
    "mewsli_x": Card(
        characters=250,
        sequences=2,
        rows={
            "train": _is(167_719, "facts"),
            "dev": _each("memory", 1, 1_100_000, 91_500),
            "test": _each("memory", 1, 1_100_000, 92_600),
        },
    ),
}

_GENERATED = {  # the generator itself states their rows
    "gen-text": Card(characters=75, rows={}),
    "gen-more": Card(characters=75, rows={}),
    "gen-tags": Card(characters=62, rows={}),
    "gen-fits": Card(characters=48, rows={}),
    "gen-parallel": Card(characters=39, sequences=2, rows={}),
    "gen-who": Card(characters=70, rows={}),
    "gen-choice": Card(characters=70, sequences=3, rows={}),
    "gen-cipher": Card(characters=62, rows={}),
    "gen-reading": Card(characters=81, rows={}),
}

CARDS: Mapping[str, Card] = MappingProxyType({**_INTERMEDIATES, **_TARGETS, **_GENERATED})
"""Task name to its card."""


def card_of(task: Task) -> Card | None:
    """The card of a task that reads a built-in task's source, under any name; None for other
    data.
    """

    def same(other: Task) -> bool:
        source = other.source.model_copy(update={"revision": task.source.revision})
        return (source, other.format, other.columns) == (task.source, task.format, task.columns)

    names = [task.name] if task.name in TASKS and same(TASKS[task.name]) else []
    names += [name for name, other in TASKS.items() if name in CARDS and not names and same(other)]
    return next((CARDS[name] for name in names if name in CARDS), None)
