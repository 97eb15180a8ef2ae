"""How long 50,000 answers in forty languages take to be found and scored, on one core.

    python tests/benchmarks/scoring.py [--questions 50000] [--windows 1.3]

Made up: each language has its questions over 50 paragraphs of its own script, of about 250 tokens,
with one to three gold answers; noise as logits, so that every prediction is another span. Printed
are the seconds of the search for the best span in every window, of all measures of all answers, and
of `span_qa.decode`, which does both and reads the rows besides. The first line is what is timed
first: making the tables of Unicode's punctuation and scripts, once a process.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment

use_own_environment()

import numpy as np  # noqa: E402
from datasets import Dataset  # noqa: E402

from xstilts.formats import span_qa, spans  # noqa: E402
from xstilts.scoring import answers as answer_scores, mlqa, segmented  # noqa: E402
from xstilts.spec.format_specs.span_qa import SpanQAOptions  # noqa: E402
from xstilts.spec.task import Source, Task  # noqa: E402

LETTERS = {
    "latin": "abcdefghijklmnopqrstuvwxyzáéíñöüß",
    "cyrillic": "абвгдежзийклмнопрстуфхцчшщ",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "devanagari": "अआइईउऊएकखगघचछजटडणतथदधनपफबभमयरलवशसह",
    "thai": "กขคงจชซญดตถทธนบปผพฟมยรลวสหอเแโไาิีุูเ",
    "chinese": "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得",
}
LANGUAGES = {
    "en": "latin",
    "es": "latin",
    "de": "latin",
    "vi": "latin",
    "ru": "cyrillic",
    "ar": "arabic",
    "hi": "devanagari",
    "th": "thai",
    "zh": "chinese",
}
TOKENS = 250
QUESTION = 20


@dataclass
class Encoded:
    """What `decode` reads."""

    rows: Any
    features: Any
    language: str


def paragraph(script: str, rng: np.random.Generator) -> tuple[str, list[int]]:
    """A text and the ends of its tokens, flat."""
    letters, text, places = list(LETTERS[script]), "", []
    for i in range(TOKENS):
        word = "the" if i % 9 == 0 else "".join(rng.choice(letters, int(rng.integers(2, 9))))
        places += [len(text), len(text) + len(word)]
        text += word + (
            "" if script in ("thai", "chinese") and i % 7 else "، " if i % 11 == 0 else " "
        )
    return text, places


def language(
    code: str, questions: int, windows: float, rng: np.random.Generator
) -> tuple[Encoded, list[Any]]:
    """The questions of one language, and their logits."""
    texts = [paragraph(LANGUAGES[code], rng) for _ in range(50)]
    rows: dict[str, list[Any]] = {"id": [], "context": [], "answers": []}
    features: dict[str, list[Any]] = {"row": [], "context_start": [], "offsets": []}
    for i in range(questions):
        text, places = texts[i % len(texts)]
        golds = []
        for _ in range(int(rng.integers(1, 4))):
            first = int(rng.integers(0, TOKENS - 5))
            golds.append(
                text[places[2 * first] : places[2 * first + 1 + 2 * int(rng.integers(0, 5))]]
            )
        rows["id"].append(f"{code}-{i}")
        rows["context"].append(text)
        rows["answers"].append({"text": golds, "answer_start": [0] * len(golds)})
        for _ in range(1 + int(rng.random() < windows - 1)):
            features["row"].append(i)
            features["context_start"].append(QUESTION)
            features["offsets"].append(places)
    noise = rng.normal(size=(len(features["row"]), QUESTION + TOKENS + 1, 2)).astype(np.float32)
    return Encoded(Dataset.from_dict(rows), Dataset.from_dict(features), code), list(noise)


def main() -> None:
    """Prints the seconds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--questions", type=int, default=50_000)
    parser.add_argument("--windows", type=float, default=1.3, help="of a question, on average")
    given = parser.parse_args()
    task = Task(name="t", format="span_qa", source=Source(generator="t"), metric="qa_mean")
    codes = [list(LANGUAGES)[i % len(LANGUAGES)] for i in range(40)]
    seconds = dict.fromkeys(("tables", "search", "measures", "decode"), 0.0)
    began = time.perf_counter()
    mlqa.normalise("", "en")
    segmented.normalise("ก", "th")
    seconds["tables"] = time.perf_counter() - began
    n = windows = 0
    for number, code in enumerate(codes):
        encoded, logits = language(
            code, given.questions // 40, given.windows, np.random.default_rng(number)
        )
        n, windows = n + len(encoded.rows), windows + len(logits)
        began = time.perf_counter()
        spans.answers(logits, encoded.features, len(encoded.rows), SpanQAOptions())
        seconds["search"] += time.perf_counter() - began
        began = time.perf_counter()
        table = span_qa.decode(logits, encoded, task)
        seconds["decode"] += time.perf_counter() - began
        golds = [answers["text"] for answers in encoded.rows["answers"]]
        began = time.perf_counter()
        answer_scores.always(table["prediction"], golds, [code] * len(golds))
        seconds["measures"] += time.perf_counter() - began
    print(
        f"{n:,} questions in {len(codes)} languages, {windows:,} windows of {TOKENS} context tokens"
    )
    for name, took in seconds.items():
        print(f"{name:10} {took:6.2f} s")


if __name__ == "__main__":
    main()
