"""The built-in generator: a family of small languages and tasks in them; no download, no network.

**Languages.** Four, over one grammar (`grammar.py`) and one stock of concepts (`lexicon.py`). `xa`
is what English is elsewhere: training and development rows are in it. `xb` and `xc` have its word
order and borrow most or half of its content words; `xd` puts verbs last and adjectives after nouns,
and borrows a third.

**Text** (`raw_text.py`) to pretrain a tiny multilingual model on. Half of it stands word by word or
line by line beside its translation: that aligns the languages, and only then is there anything to
transfer.

**Tasks** (`examples.py`), one or more of each format, the same rows at every call, on every
machine:

    gen-text      masked LM   raw text, to pretrain on
    gen-tags      tagging     what each word is and does: agent, patient, verb, ...      few rows
    gen-fits      pairs       does a phrase answer a question, going by its role?        few rows
    gen-who       span QA     who did it, to whom?                                       few rows
    gen-parallel  retrieval   sentences and their translations                           no training
    gen-choice    choice      which short sentence tells the same event as a long one?   few rows
    gen-reading   span QA     who, to whom, and where?                                   many rows
    gen-more      masked LM   other lines of the same text as gen-text                   many rows
    gen-cipher    tagging     arbitrary classes of words, others in each language        many rows

**What is known beforehand** of a tiny model that has read gen-text, as a mean over the languages:

- gen-reading *helps* gen-who: finding the phrase that a question asks for is the skill that gen-who
  needs and has too few rows to teach. Nothing is promised of gen-fits, whose zero-shot scores are
  noisy.
- gen-more is *neutral* on gen-tags and gen-who, read gently: it teaches nothing that is new to the
  model.
- gen-cipher *harms* gen-tags, gen-who and gen-parallel. Its classes are drawn word by word, and
  anew for each language: to learn them is to pull apart what pretraining brought together, nouns
  and nouns, words and their translations. What is then learned in `xa` no longer holds elsewhere.

`tests/test_science.py` measures this and `sweeps/demo.yaml` shows it.

`VERSION` is part of the revision of all data from here; it rises whenever a row or a word changes.
"""

from __future__ import annotations

from xstilts.tasks.generator.examples import SIZES, rows
from xstilts.tasks.generator.lexicon import LANGUAGES, TRAINING_LANGUAGE
from xstilts.tasks.generator.raw_text import text
from xstilts.tasks.generator.word_level import tokenizer

__all__ = ["SIZES", "TRAINING_LANGUAGE", "VERSION", "languages", "rows", "text", "tokenizer"]

VERSION = 1
"""Version of everything the generator yields; raised whenever a row, a word or a tag changes."""


def languages() -> tuple[str, ...]:
    """Codes of all languages, the training language first."""
    return tuple(LANGUAGES)
