"""The built-in generator: a family of small languages and tasks in them; no download, no network.

**Languages.** Four, over one grammar (`grammar.py`) and one stock of concepts (`languages.py`). `xa` is what
English is elsewhere: training and development rows are in it. `xb` and `xc` have its word order and borrow
most or half of its words; `xd` puts verbs last and adjectives after their nouns, and borrows a third.

**Text** (`text.py`) to pretrain a tiny multilingual model on. Half of it stands word by word or line by line
beside its translation: that aligns the languages, and only then is there anything to transfer.

**Tasks** (`examples.py`), one or more of each format, the same rows at every call, on every machine:

    gen-text      masked LM       raw text, to pretrain on
    gen-tags      tagging         what each word is and does: agent, patient, verb, ...       few rows
    gen-doer      pairs           is the doer of both sentences the same?                     few rows
    gen-parallel  retrieval       sentences and their translations                            no training
    gen-who       span QA         who did it, to whom?                                        few rows
    gen-choice    choice          which sentence tells of the same event?                     few rows
    gen-roles     pairs           which participants do two sentences share?                  many rows
    gen-more      masked LM       other lines of the same text as gen-text                    many rows
    gen-cipher    tagging         arbitrary classes of words, other ones in each language     many rows
    gen-reading   span QA         as gen-who, and where                                       many rows

**What is known beforehand** of a tiny model that has read gen-text, as a mean over the languages:

- gen-roles *helps* gen-doer: its rows are too few to learn to compare two sentences phrase by phrase, which
  is what gen-roles teaches. It also helps gen-parallel, for what is compared must be alike in every sentence.
- gen-more is *neutral*: it teaches nothing that the model was not taught before.
- gen-cipher *harms* all: words of one meaning get other classes in every language, and words of one class
  have nothing in common. Who learns that pulls apart what pretraining brought together: translations,
  and nouns from nouns.
- gen-reading helps gen-who, which is the same skill with few rows.

`tests/test_science.py` measures this and `sweeps/demo.yaml` shows it.

`VERSION` is part of the revision of all data from here; it rises whenever a row or a word changes.
"""

from __future__ import annotations

from xstilts.generator.draw import VERSION
from xstilts.generator.examples import SIZES, rows
from xstilts.generator.languages import LANGUAGES, TRAINING_LANGUAGE
from xstilts.generator.text import text
from xstilts.generator.tokenizer import tokenizer

__all__ = ["SIZES", "TRAINING_LANGUAGE", "VERSION", "languages", "rows", "text", "tokenizer"]


def languages() -> tuple[str, ...]:
    """Codes of all languages, the training language first."""
    return tuple(LANGUAGES)
