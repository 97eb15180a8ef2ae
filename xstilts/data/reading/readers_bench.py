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

**squad_json** (SQuAD v1.1 and v2.0, XQuAD, MLQA, TyDiQA-GoldP). A row is a question: `id`,
`question`, `context`, `answers`, `title`; an unanswerable question has no answers.

**xquad_r** (LAReQA, Roy et al. 2020, arXiv 2004.05484): SQuAD's JSON whose paragraphs have
`sentence_breaks`, pairs of characters. A row has a question as `query`, the sentence in which its
first answer begins as `candidate`, the paragraph as `candidate_pair`, and the question's id as
`key`. After the questions of a paragraph come its sentences that answer none of them, with an empty
query and a key of their own. A sentence that answers several questions is in several rows, but is
*one* candidate. As in the authors' script, a question whose answer begins in no sentence is left
out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xstilts.data.reading.raw import Raw, lines
from xstilts.data.reading.treebank import CONLLU_COLUMNS, sentences
from xstilts.errors import DataError, first_line


def _table(
    path: Path, rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Any], columns: Sequence[str]
) -> Raw:
    """Rows as a table of the `columns` that `kinds` names; if there are none, of the first kind, so
    that rows can be counted.
    """
    import pyarrow as pa

    wanted = [name for name in kinds if name in columns] or list(kinds)[:1]
    try:
        table = pa.table(
            {name: pa.array([row[name] for row in rows], kinds[name]) for name in wanted}
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{path}: a value has the wrong type ({first_line(error, 160)}); must be as in the "
            "benchmark's own files"
        ) from error
    return Raw(table=table, columns=tuple(kinds), classes={})


def _conllu(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    texts = pa.list_(pa.string())
    return _table(path, list(sentences(path)), dict.fromkeys(CONLLU_COLUMNS, texts), columns)


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
    sides = [dict(_pairs(name)) for name in names]
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
    rows = [
        {
            "source_sentence": sides[0].get(a, ""),
            "target_sentence": sides[1].get(b, ""),
            "source_id": a,
            "target_id": b,
        }
        for a, b in ids
    ]
    kinds = dict.fromkeys(
        ("source_sentence", "target_sentence", "source_id", "target_id"), pa.string()
    )
    return _table(path, rows, kinds, columns)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in lines(path):
        if line.strip():
            left, tab, right = line.partition("\t")
            if not tab or not left.strip() or not right.strip():
                raise DataError(
                    f"{path}:{number}: `{line[:60]}` must be two values with a tab between them"
                )
            yield left.strip(), right.strip()


# -- SQuAD's JSON


def _paragraphs(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`(title, paragraph)` of a file in SQuAD's JSON."""
    try:
        articles = json.loads(path.read_text(encoding="utf-8-sig"))["data"]
        for article in articles:
            for paragraph in article["paragraphs"]:
                yield str(article.get("title", "")), paragraph
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: is JSON, but not SQuAD's ({error!r}); must have `data`, a list of "
            "articles with `paragraphs`, each with `context` and `qas`"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); must be in SQuAD's JSON format") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _field(value: Mapping[str, Any], name: str, path: Path, where: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        raise DataError(f"{path}: {where} has no `{name}`; must be as in SQuAD's JSON format")
    return value[name]


def _questions(path: Path) -> Iterator[dict[str, Any]]:
    for title, paragraph in _paragraphs(path):
        context = _field(paragraph, "context", path, f"a paragraph of `{title}`")
        for question in _field(paragraph, "qas", path, f"a paragraph of `{title}`"):
            at = (
                f"question {question.get('id', '?')}"
                if isinstance(question, Mapping)
                else "a question"
            )
            answers = question.get("answers") or [] if isinstance(question, Mapping) else []
            yield {
                "id": str(_field(question, "id", path, at)),
                "question": _field(question, "question", path, at),
                "context": context,
                "answers": {
                    name: [_field(answer, name, path, at) for answer in answers]
                    for name in ("text", "answer_start")
                },
                "title": title,
            }


def _squad_json(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
    kinds = {
        "id": pa.string(),
        "question": pa.string(),
        "context": pa.string(),
        "answers": answers,
        "title": pa.string(),
    }
    return _table(path, list(_questions(path)), kinds, columns)


def _xquad_r(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    rows = [
        row
        for n, (_, paragraph) in enumerate(_paragraphs(path))
        for row in _retrieval_rows(paragraph, n, path)
    ]
    kinds = dict.fromkeys(("query", "candidate", "candidate_pair", "key"), pa.string())
    return _table(path, rows, kinds, columns)


def _retrieval_rows(
    paragraph: Mapping[str, Any], number: int, path: Path
) -> Iterator[dict[str, Any]]:
    at = f"paragraph {number}"
    context = _field(paragraph, "context", path, at)
    breaks = [
        (int(start), int(stop)) for start, stop in _field(paragraph, "sentence_breaks", path, at)
    ]
    answering = set()
    for question in _field(paragraph, "qas", path, at):
        answers = _field(question, "answers", path, at)
        start = _field(answers[0], "answer_start", path, at) if answers else -1
        found = next((i for i, (first, last) in enumerate(breaks) if first <= start < last), None)
        if found is not None:
            answering.add(found)
            key, query = (
                str(_field(question, "id", path, at)),
                _field(question, "question", path, at),
            )
            yield {
                "query": query,
                "candidate": context[slice(*breaks[found])],
                "candidate_pair": context,
                "key": key,
            }
    for i, (first, last) in enumerate(breaks):
        if i not in answering and answering:
            key = f"{path.stem}/{number}/{i}"
            yield {
                "query": "",
                "candidate": context[first:last],
                "candidate_pair": context,
                "key": key,
            }


READERS: Mapping[str, Callable[[Path, Sequence[str]], Raw]] = MappingProxyType(
    {"conllu": _conllu, "bucc": _bucc, "squad_json": _squad_json, "xquad_r": _xquad_r}
)
"""File format to its reader."""
