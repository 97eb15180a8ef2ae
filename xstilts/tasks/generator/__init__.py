"""The built-in generator: a family of small languages and tasks in them; no download, no network.

**Languages.** Four, with one grammar (`grammar.py`) and one set of concepts (`lexicon.py`). `xa`
has the role of English: training and development rows are in it. `xb` and `xc` have its word order
and borrow most or half of its content words; `xd` puts verbs last and adjectives after nouns, and
borrows a third.

**Text** (`raw_text.py`) for pretraining a tiny multilingual model. Most of it comes with its
translation, word by word or line by line: that aligns the languages, and without it nothing would
transfer.

**Tasks** (`examples.py`), one or more for most formats, with the same rows at every call and on
every machine:

    gen-text      masked LM   raw text, to pretrain on
    gen-tags      tagging     what each word is and does: agent, patient, verb, ...      few rows
    gen-fits      pairs       does a phrase answer a question, going by its role?        few rows
    gen-who       span QA     who did it, or to whom?                                    few rows
    gen-parallel  retrieval   sentences and their translations                           no training
    gen-choice    choice      which short sentence tells the same event as a long one?   few rows
    gen-reading   span QA     who, to whom, or where?                                    many rows
    gen-more      masked LM   other lines of the same text as gen-text                   many rows
    gen-cipher    tagging     arbitrary classes of words, others in each language        many rows

Development and test rows tell of events that no training row of any task tells of: whatever a model
was trained on before, it has not seen them.

**What to expect** of a tiny model pretrained on gen-text, on average over the languages:

- gen-reading *helps* gen-who: gen-who needs the skill of finding the phrase that a question asks
  for, and has too few rows to teach it. The effect on gen-fits is unknown: its zero-shot scores are
  noisy.
- gen-more is *neutral* for gen-tags and gen-who at a low learning rate: it teaches the model
  nothing new.
- gen-cipher *harms* gen-tags, gen-who and gen-parallel. Its classes are drawn for each word and
  each language: learning them pulls apart what pretraining brought together, nouns and other nouns,
  words and their translations. What the model then learns in `xa` no longer holds elsewhere.

`tests/test_science.py` measures this and `sweeps/demo.yaml` shows it.

`VERSION` is part of the revision of all generated data; it is raised when a row or a word changes.
"""

from __future__ import annotations

from xstilts.tasks.generator.examples import SIZES, rows, size
from xstilts.tasks.generator.lexicon import LANGUAGES, TRAINING_LANGUAGE
from xstilts.tasks.generator.raw_text import text
from xstilts.tasks.generator.word_level import tokenizer

__all__ = [
    "SIZES",
    "TRAINING_LANGUAGE",
    "VERSION",
    "languages",
    "rows",
    "size",
    "text",
    "tokenizer",
]

VERSION = 2
"""Version of everything the generator yields; raised whenever a row, a word or a tag changes."""


def languages() -> tuple[str, ...]:
    """Codes of all languages, the training language first."""
    return tuple(LANGUAGES)
