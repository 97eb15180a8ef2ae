"""Files in the benchmarks' own formats, as Arrow tables.

**conllu** (Universal Dependencies). A row is a sentence. `tokens`, `lemma`, `upos`, `xpos`,
`deprel` and `deprel_main` (the relation before its colon) belong to the *syntactic words*: lines of
fused tokens (`3-4 del`) and empty nodes (`5.1`) are left out, as in the hub's `google/xtreme`.
XTREME's own script keeps the fused token instead, gives it the tag of whichever of its words is
highest in the tree (in a tie, the tag that comes first in a list), and removes zero-width
non-joiners and spaces from words: `fused_tokens` and `fused_upos` follow it. (XTREME has separate
lists for es, fr and it; here one list serves all.) As in XTREME, a sentence whose words are hidden
(`_`, all but at most one of them) is left out.

**bucc** (BUCC 2018). A path of `files` names the gold file,
`bucc2018/{language}-en/{language}-en.{split}.gold`, or the folder that holds a file of that name;
the sentences lie beside it, `de-en.sample.de` and `de-en.sample.en`. Lines are `id TAB sentence`
and, in the gold file, `id TAB id`. Rows: the gold pairs in their order, then the sentences without
a partner, foreign ones first, with an empty sentence on the other side. Columns: `source_sentence`
(foreign), `target_sentence`, `source_id`, `target_id`.

SQuAD's JSON and LAReQA's are read by `squad_json.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from xstilts.data.reading.raw import Raw, lines, selected, shown
from xstilts.data.reading.squad_json import read_squad, read_xquad_r
from xstilts.data.reading.treebank import CONLLU_COLUMNS, sentences
from xstilts.errors import DataError
from xstilts.spec.words import words

BUCC_COLUMNS = words("source_sentence target_sentence source_id target_id")
"""Columns of a pair of sentences."""


def _conllu(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    rows, hidden = sentences(path)
    found = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.string()))
        for name in CONLLU_COLUMNS
        if name in columns
    }
    return Raw(
        table=selected(found, CONLLU_COLUMNS, len(rows)),
        columns=CONLLU_COLUMNS,
        classes={},
        left_out={"sentences whose words are hidden": hidden} if hidden else {},
    )


# -- BUCC


def bucc_texts(gold: Path) -> list[Path]:
    """The sentence files beside a gold file that exist: first the foreign side, then the other."""
    return [path for path in _bucc_sides(gold) if path.is_file()]


def _bucc_sides(gold: Path) -> tuple[Path, Path]:
    pair = gold.name.split(".")[0].split("-")
    if len(pair) != 2:
        raise DataError(
            f"{gold}: the name must start with two languages, as in `de-en.sample.gold`"
        )
    return gold.with_suffix(f".{pair[0]}"), gold.with_suffix(f".{pair[1]}")


def _bucc(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    names = _bucc_sides(path)
    absent = [name.name for name in names if not name.is_file()]
    if absent:
        raise DataError(
            f"{path}: {' and '.join(absent)} must lie beside it, with lines of `id TAB sentence`"
        )
    sides = [_sentences(name) for name in names]
    gold = list(_pairs(path))
    for i, side in enumerate(sides):
        unknown = [pair[i] for pair in gold if pair[i] not in side]
        if unknown:
            raise DataError(
                f"{path}: {len(unknown)} ids, first {unknown[0]}, are not in {names[i].name}"
            )
    paired = [{pair[i] for pair in gold} for i in (0, 1)]
    rest = [
        [one for one in side if one not in taken] for side, taken in zip(sides, paired, strict=True)
    ]
    ids = [*gold, *((one, "") for one in rest[0]), *(("", one) for one in rest[1])]
    values = {
        "source_sentence": [sides[0].get(a, "") for a, _ in ids],
        "target_sentence": [sides[1].get(b, "") for _, b in ids],
        "source_id": [a for a, _ in ids],
        "target_id": [b for _, b in ids],
    }
    found = {name: pa.array(values[name], pa.string()) for name in BUCC_COLUMNS if name in columns}
    return Raw(table=selected(found, BUCC_COLUMNS, len(ids)), columns=BUCC_COLUMNS, classes={})


def _sentences(path: Path) -> dict[str, str]:
    """Id to sentence; DataError where an id is there twice."""
    found: dict[str, str] = {}
    for name, sentence in _pairs(path):
        if name in found:
            raise DataError(f"{path}: two sentences have the id {name}; each needs its own")
        found[name] = sentence
    return found


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in lines(path):
        if line.strip():
            left, tab, right = line.partition("\t")
            if not tab or not left.strip() or not right.strip():
                raise DataError(
                    f"{path}:{number}: `{shown(line)}` must be two values with a tab between them"
                )
            yield left.strip(), right.strip()


READERS: Mapping[str, Callable[[Path, Sequence[str]], Raw]] = MappingProxyType(
    {"conllu": _conllu, "bucc": _bucc, "squad_json": read_squad, "xquad_r": read_xquad_r}
)
"""File format to its reader."""
