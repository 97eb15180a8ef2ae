"""The control: every word becomes an invented one, the same at each occurrence.

If a model learns as much from these rows as from English, it did not learn it from English words;
if translations help no more than these rows, the language did not help. So the mapping of words
must lose nothing and mean nothing: it is one-to-one, keeps the positions of vowels and consonants,
capitals, digits and punctuation, and changes every word. It needs no table of words: each word is
encrypted, letter by letter, with the seed as the key.

F is a keyed permutation of all words with the same pattern of vowels and consonants. T shifts each
letter in its alphabet by a number that is never zero and depends on the pattern alone. The invented
word is F^-1(T(F(word))): one-to-one, because F and T are, and never the word itself, because T
moves every word.

A word keeps its number of letters, except that words of one to three letters are first padded to
four or five with letters that no word ends in, because nearly all shorter forms are English words
already. (1.6% of SQuAD's four-letter words become another of its words, under 0.1% of longer ones.)
Letters other than a to z stay as they are and count as part of the pattern.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from xstilts.spec.seeds import row_uniform

_ALPHABETS = ("aeiouy", "bcdfghjklmnpqrstvwxz")
_CLASS = {letter: alphabet for alphabet in _ALPHABETS for letter in alphabet}
_ROUNDS = 2
_FILL = {1: "qjq", 2: "qj", 3: "qj"}
"""Number of letters to the letters appended to such a word."""
_LATIN = re.compile("[a-z]")


class Inventor:
    """The words of one invented language, each made once and remembered."""

    def __init__(self, seed: int, word_ratio: float) -> None:
        self._seed = seed
        self._key = f"pseudo {seed}".encode()
        self._ratio = word_ratio
        self._made: dict[str, str] = {}

    def word(self, word: str) -> str:
        """The invented word for `word`; if `word_ratio` is below 1, some words stay the same
        everywhere.
        """
        new = self._made.get(word)
        if new is None:
            new = self._made[word] = self._word(word)
        return new

    def _word(self, word: str) -> str:
        plain = "".join(low if len(low := letter.lower()) == 1 else letter for letter in word)
        if self._ratio < 1 and row_uniform(self._seed, "pseudo", plain) >= self._ratio:
            return word
        if not _LATIN.search(plain):
            return word
        made = self._invented(plain + _FILL.get(len(plain), ""))
        tail = made[len(plain) :]
        shaped = [
            (new.upper() if old.isupper() else new) if old.isascii() else old
            for old, new in zip(word, made, strict=False)
        ]
        return "".join(shaped) + (tail.upper() if len(word) > 1 and word.isupper() else tail)

    def _invented(self, plain: str) -> str:
        places = [at for at, letter in enumerate(plain) if _LATIN.match(letter)]
        alphabets = [_CLASS[plain[at]] for at in places]
        pattern = "".join(
            "v" if letter in _ALPHABETS[0] else "c" if _LATIN.match(letter) else letter
            for letter in plain
        )
        letters = [
            alphabet.index(plain[at]) for at, alphabet in zip(places, alphabets, strict=True)
        ]
        self._shuffle(letters, alphabets, pattern, 1)
        for i, alphabet in enumerate(alphabets):
            size = len(alphabet)
            letters[i] = (letters[i] + 1 + self._number("turn", pattern, i) % (size - 1)) % size
        self._shuffle(letters, alphabets, pattern, -1)
        new = list(plain)
        for at, letter, alphabet in zip(places, letters, alphabets, strict=True):
            new[at] = alphabet[letter]
        return "".join(new)

    def _shuffle(self, letters: list[int], alphabets: list[str], pattern: str, sign: int) -> None:
        """Applies F (`sign` 1) or its inverse (-1) in place: each letter moves by a hash of all the
        others.
        """
        steps = [(i, at) for i in range(_ROUNDS) for at in range(len(letters))]
        for i, at in steps[::sign]:
            others = letters[:at] + letters[at + 1 :]
            letters[at] = (letters[at] + sign * self._number(i, at, pattern, others)) % len(
                alphabets[at]
            )

    def _number(self, *what: object) -> int:
        return int.from_bytes(
            blake2b(repr(what).encode(), key=self._key, digest_size=4).digest(), "big"
        )
