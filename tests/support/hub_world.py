"""A mirror in the hub's own schemas with invented rows: every dataset of the published experiments,
small.

Columns, types, label names and splits are written down here from the datasets' cards, apart from
the task tables, so that a table which asks for a column that the hub does not have fails in a test.
Words are those of the tiny model's tokenizer (`tests/support/tiny.py`). Nothing here is anybody's
data.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.worlds import write_mirror

Rows = dict[str, list[Any]]
WORDS = [f"w{i}" for i in range(60)]
ROWS = {"train": 24, "validation": 8, "test": 8}
UD_NAMES = {"en": "English", "de": "German", "zh": "Chinese", "ta": "Tamil"}
NLI = ["entailment", "neutral", "contradiction"]
UPOS_XTREME = [
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
]
NER = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
CHUNKS = [
    "O",
    "B-ADJP",
    "I-ADJP",
    "B-ADVP",
    "I-ADVP",
    "B-CONJP",
    "I-CONJP",
    "B-INTJ",
    "I-INTJ",
    "B-LST",
    "I-LST",
    "B-NP",
    "I-NP",
    "B-PP",
    "I-PP",
    "B-PRT",
    "I-PRT",
    "B-SBAR",
    "I-SBAR",
    "B-UCP",
    "I-UCP",
    "B-VP",
    "I-VP",
]
CATEGORIES = ["N", "NP/N", "(S\\NP)/NP", "N/N"]
DEPREL = [
    "root",
    "nsubj",
    "obj",
    "det",
    "case",
    "punct",
    "amod",
    "advmod",
    "nmod",
    "obl",
    "conj",
    "cc",
    "aux",
]


class Draw:
    """Invented texts, the same for the same name."""

    def __init__(self, *name: object) -> None:
        self.random = random.Random("/".join(map(str, name)))

    def text(self, low: int = 3, high: int = 7) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(low, high)))

    def texts(self, count: int) -> list[str]:
        return [self.text() for _ in range(count)]

    def picks(self, count: int, of: Sequence[Any]) -> list[Any]:
        """Each value in turn, shuffled: no label is missing."""
        found = [of[i % len(of)] for i in range(count)]
        self.random.shuffle(found)
        return found

    def sentences(self, count: int) -> list[list[str]]:
        return [self.text(4, 8).split() for _ in range(count)]

    def tags(self, sentences: Sequence[Sequence[str]], of: Sequence[Any]) -> list[list[Any]]:
        return [self.random.choices(of, k=len(sentence)) for sentence in sentences]

    def answers(
        self, contexts: Sequence[str], unanswerable: bool = False
    ) -> list[dict[str, list[Any]]]:
        """A run of one or two words of each context; with `unanswerable`, none for every third."""
        found = []
        for i, context in enumerate(contexts):
            words = context.split(" ")
            first = self.random.randrange(len(words))
            start = len(" ".join(words[:first])) + (first > 0)
            text = " ".join(words[first : first + 2])
            none = unanswerable and i % 3 == 0
            found.append({"text": [] if none else [text], "answer_start": [] if none else [start]})
        return found


def make_hub(mirror: Path, languages: Sequence[str] = ("en", "de")) -> None:
    """All datasets, the multilingual ones in `languages`."""
    import datasets

    label = datasets.ClassLabel
    _nli(mirror, languages, label)
    _glue(mirror, label)
    _choices(mirror, languages, label)
    _reading(mirror, languages)
    _tagging(mirror, languages, label)
    _retrieval(mirror, languages)


def _write(
    mirror: Path,
    name: str,
    configs: Sequence[str],
    rows: Callable[[Draw, str, int], Rows],
    types: Mapping[str, Any] | None = None,
    splits: Mapping[str, int] = ROWS,
) -> None:
    """`rows(draw, config, count)` for each configuration and split; `types` overrule what is
    inferred.
    """
    import datasets

    tables = {
        (config, split): rows(Draw(name, config, split), config, count)
        for config in configs
        for split, count in splits.items()
    }
    inferred = datasets.Dataset.from_dict(next(iter(tables.values()))).features
    features = datasets.Features({**inferred, **(types or {})})
    write_mirror(mirror, name, tables, features)


# -- pairs of sentences


def _nli(mirror: Path, languages: Sequence[str], label: Any) -> None:
    def pairs(draw: Draw, config: str, count: int) -> Rows:
        return {
            "premise": draw.texts(count),
            "hypothesis": draw.texts(count),
            "label": draw.picks(count, range(3)),
        }

    table = {"label": label(names=NLI)}
    _write(mirror, "facebook/xnli", languages, pairs, table)
    matched = {"train": 24, "validation_matched": 8, "validation_mismatched": 8}
    _write(mirror, "nyu-mll/multi_nli", ["default"], pairs, table, matched)
    rounds = {
        f"{split}_r{n}": ROWS[use]
        for n in (1, 2, 3)
        for split, use in (("train", "train"), ("dev", "validation"), ("test", "test"))
    }
    _write(
        mirror,
        "facebook/anli",
        ["plain_text"],
        lambda d, c, n: {"uid": [str(i) for i in range(n)], **pairs(d, c, n), "reason": [""] * n},
        table,
        rounds,
    )
    _write(
        mirror,
        "stanfordnlp/snli",
        ["plain_text"],
        lambda d, c, n: {**pairs(d, c, n), "label": [-1, *d.picks(n - 1, range(3))]},
        table,
    )


def _glue(mirror: Path, label: Any) -> None:
    import datasets

    tables: dict[tuple[str, str], Rows] = {}

    def paired(first: str, second: str | None, classes: int) -> Callable[[Draw, int], Rows]:
        def rows(draw: Draw, count: int) -> Rows:
            texts = {first: draw.texts(count)} | ({second: draw.texts(count)} if second else {})
            labels = (
                draw.picks(count, range(classes))
                if classes
                else [float(i % 6) for i in range(count)]
            )
            return {**texts, "label": labels, "idx": list(range(count))}

        return rows

    kinds = {
        "cola": (paired("sentence", None, 2), ["unacceptable", "acceptable"]),
        "sst2": (paired("sentence", None, 2), ["negative", "positive"]),
        "mrpc": (paired("sentence1", "sentence2", 2), ["not_equivalent", "equivalent"]),
        "qqp": (paired("question1", "question2", 2), ["not_duplicate", "duplicate"]),
        "rte": (paired("sentence1", "sentence2", 2), ["entailment", "not_entailment"]),
        "stsb": (paired("sentence1", "sentence2", 0), None),
        "mnli": (paired("premise", "hypothesis", 3), NLI),
    }
    for config, (rows, names) in kinds.items():
        for split in ("train", "validation", "test"):
            use = f"{split}_matched" if config == "mnli" and split != "train" else split
            tables = {(config, use): rows(Draw("glue", config, split), ROWS[split])}
            inferred = datasets.Dataset.from_dict(tables[config, use]).features
            features = datasets.Features(
                {**inferred, "label": label(names=names) if names else datasets.Value("float32")}
            )
            _append(mirror, "nyu-mll/glue", tables, features)

    def wic(draw: Draw, config: str, count: int) -> Rows:
        ones, twos = draw.texts(count), draw.texts(count)
        zeros = [0] * count
        return {
            "word": [one.split()[0] for one in ones],
            "sentence1": ones,
            "sentence2": twos,
            "start1": zeros,
            "start2": zeros,
            "end1": [2] * count,
            "end2": [2] * count,
            "idx": list(range(count)),
            "label": draw.picks(count, range(2)),
        }

    def copa(draw: Draw, config: str, count: int) -> Rows:
        return {
            "premise": draw.texts(count),
            "choice1": draw.texts(count),
            "choice2": draw.texts(count),
            "question": draw.picks(count, ["cause", "effect"]),
            "idx": list(range(count)),
            "label": draw.picks(count, range(2)),
        }

    for config, maker, names in (
        ("wic", wic, ["False", "True"]),
        ("copa", copa, ["choice1", "choice2"]),
    ):
        made = {
            (config, split): maker(Draw("superglue", config, split), config, n)
            for split, n in ROWS.items()
        }
        inferred = datasets.Dataset.from_dict(made[config, "train"]).features
        _append(
            mirror,
            "aps/super_glue",
            made,
            datasets.Features({**inferred, "label": label(names=names)}),
        )

    def paws(draw: Draw, config: str, count: int) -> Rows:
        return {
            "id": list(range(count)),
            "sentence1": draw.texts(count),
            "sentence2": draw.texts(count),
            "label": draw.picks(count, range(2)),
        }

    binary = {"label": label(names=["0", "1"])}
    _write(mirror, "google-research-datasets/paws", ["labeled_final"], paws, binary)
    _write(mirror, "google-research-datasets/paws-x", ["en", "de"], paws, binary)


def _append(mirror: Path, name: str, tables: Mapping[tuple[str, str], Rows], features: Any) -> None:
    """More configurations of a dataset whose configurations differ in columns."""
    card = mirror / "datasets" / name / "README.md"
    before = (
        json.loads(card.read_text().split("---")[1].split("configs:", 1)[1])
        if card.is_file()
        else []
    )
    write_mirror(mirror, name, tables, features)
    after = json.loads(card.read_text().split("---")[1].split("configs:", 1)[1])
    merged: dict[str, dict[str, Any]] = {}
    for config in (*before, *after):
        known = merged.setdefault(config["config_name"], {**config, "data_files": []})
        known["data_files"] += [
            one for one in config["data_files"] if one not in known["data_files"]
        ]
    card.write_text("---\nconfigs: " + json.dumps(list(merged.values())) + "\n---\n")


# -- choices


def _choices(mirror: Path, languages: Sequence[str], label: Any) -> None:
    import datasets

    def endings(draw: Draw, count: int, many: int) -> list[list[str]]:
        return [draw.texts(many) for _ in range(count)]

    _write(
        mirror,
        "Rowan/hellaswag",
        ["default"],
        lambda d, c, n: {
            "ind": list(range(n)),
            "activity_label": ["w1"] * n,
            "ctx_a": d.texts(n),
            "ctx_b": d.texts(n),
            "ctx": d.texts(n),
            "endings": endings(d, n, 4),
            "source_id": ["x"] * n,
            "split": ["train"] * n,
            "split_type": ["indomain"] * n,
            "label": d.picks(n, ["0", "1", "2", "3"]),
        },
    )
    _write(
        mirror,
        "allenai/social_i_qa",
        ["default"],
        lambda d, c, n: {
            "context": d.texts(n),
            "question": d.texts(n),
            "answerA": d.texts(n),
            "answerB": d.texts(n),
            "answerC": d.texts(n),
            "label": d.picks(n, ["1", "2", "3"]),
        },
    )
    _write(
        mirror,
        "allenai/cosmos_qa",
        ["default"],
        lambda d, c, n: {
            "id": [str(i) for i in range(n)],
            "context": d.texts(n),
            "question": d.texts(n),
            **{f"answer{i}": d.texts(n) for i in range(4)},
            "label": d.picks(n, range(4)),
        },
        {"label": datasets.Value("int32")},
    )
    _write(
        mirror,
        "tau/commonsense_qa",
        ["default"],
        lambda d, c, n: {
            "id": [str(i) for i in range(n)],
            "question": d.texts(n),
            "question_concept": ["w1"] * n,
            "choices": [{"label": list("ABCDE"), "text": d.texts(5)} for _ in range(n)],
            "answerKey": d.picks(n, "ABCDE"),
        },
    )
    _write(
        mirror,
        "allenai/swag",
        ["regular"],
        lambda d, c, n: {
            "video-id": ["x"] * n,
            "fold-ind": ["0"] * n,
            "startphrase": d.texts(n),
            "sent1": d.texts(n),
            "sent2": d.texts(n),
            "gold-source": ["gold"] * n,
            **{f"ending{i}": d.texts(n) for i in range(4)},
            "label": d.picks(n, range(4)),
        },
        {"label": label(names=["0", "1", "2", "3"])},
    )
    _write(
        mirror,
        "ehovy/race",
        ["all", "middle", "high"],
        lambda d, c, n: {
            "example_id": ["x"] * n,
            "article": d.texts(n),
            "answer": d.picks(n, "ABCD"),
            "question": d.texts(n),
            "options": endings(d, n, 4),
        },
    )
    _write(
        mirror,
        "cambridgeltl/xcopa",
        ["et", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh", "ht"],
        lambda d, c, n: {
            "premise": d.texts(n),
            "choice1": d.texts(n),
            "choice2": d.texts(n),
            "question": d.picks(n, ["cause", "effect"]),
            "label": d.picks(n, range(2)),
            "idx": list(range(n)),
            "changed": [False] * n,
        },
        {"label": datasets.Value("int32")},
        {"validation": 8, "test": 8},
    )


# -- questions


def _reading(mirror: Path, languages: Sequence[str]) -> None:
    def squad(unanswerable: bool = False, prefix: str = "") -> Callable[[Draw, str, int], Rows]:
        def rows(draw: Draw, config: str, count: int) -> Rows:
            contexts = [draw.text(8, 14) for _ in range(count)]
            return {
                "id": [f"{prefix}{i}" for i in range(count)],
                "title": ["w1"] * count,
                "context": contexts,
                "question": draw.texts(count),
                "answers": draw.answers(contexts, unanswerable),
            }

        return rows

    both = {"train": 24, "validation": 8}
    _write(mirror, "rajpurkar/squad", ["plain_text"], squad(), splits=both)
    _write(mirror, "rajpurkar/squad_v2", ["squad_v2"], squad(unanswerable=True), splits=both)
    _write(
        mirror, "google/xquad", [f"xquad.{x}" for x in languages], squad(), splits={"validation": 8}
    )
    _write(
        mirror,
        "facebook/mlqa",
        [f"mlqa.{x}.{x}" for x in languages],
        squad(),
        splits={"validation": 8, "test": 8},
    )

    words = {
        "en": "english",
        "ar": "arabic",
        "bn": "bengali",
        "fi": "finnish",
        "id": "indonesian",
        "ko": "korean",
        "ru": "russian",
        "sw": "swahili",
        "te": "telugu",
    }

    def tydiqa(draw: Draw, config: str, count: int) -> Rows:
        every = [squad(prefix=f"{word}-")(draw, config, count) for word in words.values()]
        return {name: [value for part in every for value in part[name]] for name in every[0]}

    _write(mirror, "google-research-datasets/tydiqa", ["secondary_task"], tydiqa, splits=both)


# -- tags


def _tagging(mirror: Path, languages: Sequence[str], label: Any) -> None:
    import datasets

    def tagged(
        column: str, names: Sequence[str], **more: Callable[[Draw, list[list[str]]], list[Any]]
    ) -> Any:
        def rows(draw: Draw, config: str, count: int) -> Rows:
            tokens = draw.sentences(count)
            ids = draw.tags(tokens, range(len(names)))
            ids[0] = [i % len(names) for i in range(len(tokens[0]))]
            return {
                "tokens": tokens,
                column: ids,
                **{name: make(draw, tokens) for name, make in more.items()},
            }

        return rows

    def of(names: Sequence[str]) -> Any:
        return datasets.List(label(names=list(names)))

    def spoken(language: str) -> Callable[[Draw, list[list[str]]], list[Any]]:
        return lambda draw, tokens: [[language] * len(one) for one in tokens]

    for language in languages:
        if language in UD_NAMES:
            _append_all(
                mirror,
                "google/xtreme",
                f"udpos.{UD_NAMES[language]}",
                tagged("pos_tags", UPOS_XTREME),
                {"pos_tags": of(UPOS_XTREME)},
            )
        _append_all(
            mirror,
            "google/xtreme",
            f"PAN-X.{language}",
            tagged("ner_tags", NER, langs=spoken(language)),
            {"ner_tags": of(NER)},
        )
        _append_all(
            mirror,
            "unimelb-nlp/wikiann",
            language,
            tagged("ner_tags", NER, langs=spoken(language), spans=lambda d, t: [[""] for _ in t]),
            {"ner_tags": of(NER)},
        )
    _write(
        mirror,
        "eriktks/conll2000",
        ["conll2000"],
        tagged(
            "chunk_tags",
            CHUNKS,
            id=lambda d, t: [str(i) for i in range(len(t))],
            pos_tags=lambda d, t: [[0] * len(one) for one in t],
        ),
        {"chunk_tags": of(CHUNKS)},
        {"train": 24, "test": 8},
    )
    _write(
        mirror,
        "universal-dependencies/universal_dependencies",
        ["en_ewt"],
        lambda d, c, n: _ud(d, n),
    )


def _ud(draw: Draw, count: int) -> Rows:
    tokens = draw.sentences(count)
    return {
        "idx": [str(i) for i in range(count)],
        "text": [" ".join(one) for one in tokens],
        "tokens": tokens,
        "lemmas": tokens,
        "upos": draw.tags(tokens, UPOS_XTREME),
        "xpos": draw.tags(tokens, ["NN", "VB"]),
        "feats": draw.tags(tokens, ["_"]),
        "head": draw.tags(tokens, ["0", "1"]),
        "deprel": draw.tags(tokens, DEPREL),
        "deps": draw.tags(tokens, ["_"]),
        "misc": draw.tags(tokens, ["_"]),
    }


def _append_all(mirror: Path, name: str, config: str, rows: Any, types: Mapping[str, Any]) -> None:
    import datasets

    tables = {
        (config, split): rows(Draw(name, config, split), config, n) for split, n in ROWS.items()
    }
    inferred = datasets.Dataset.from_dict(next(iter(tables.values()))).features
    _append(mirror, name, tables, datasets.Features({**inferred, **types}))


# -- retrieval


ISO3 = {"de": "deu", "zh": "cmn", "ta": "tam", "fr": "fra", "ru": "rus"}


def _retrieval(mirror: Path, languages: Sequence[str]) -> None:
    def pairs(draw: Draw, config: str, count: int) -> Rows:
        ones, language = draw.texts(count), config.split(".")[1]
        return {
            "source_sentence": ones,
            "target_sentence": [f"{one} {draw.text(1, 1)}" for one in ones],
            "source_lang": [language] * count,
            "target_lang": ["eng"] * count,
        }

    for language in languages:
        if language in ISO3:
            config = f"tatoeba.{ISO3[language]}"
            _append(
                mirror,
                "google/xtreme",
                {(config, "validation"): pairs(Draw(config), config, 8)},
                None,
            )
            config = f"{ISO3[language]}-eng"
            laser = pairs(Draw(config), f"mteb.{language}", 8)
            _append(
                mirror,
                "mteb/tatoeba-bitext-mining",
                {
                    (config, "test"): {
                        "sentence1": laser["source_sentence"],
                        "sentence2": laser["target_sentence"],
                    }
                },
                None,
            )
            config = f"bucc18.{language}"
            mined = {
                (config, split): pairs(Draw(config, split), config, 8)
                for split in ("validation", "test")
            }
            _append(mirror, "google/xtreme", mined, None)


# -- what a user brings


def make_user_files(mirror: Path) -> Path:
    """`files/` beside the datasets, where the tasks look for them: CCG, treebanks, XQuAD-R, MUSE
    dictionaries.
    """
    folder = mirror / "files"
    draw = Draw("files")
    for split, count in (("train", 24), ("dev", 8), ("test", 8)):
        sentences = draw.sentences(count)
        tagged = [
            "\n".join(f"{word}\t{draw.random.choice(CATEGORIES)}" for word in one)
            for one in sentences
        ]
        _file(folder / "ccg" / f"{split}.conll", "\n\n".join(tagged) + "\n")
        for language, bank in (("en", "English-EWT"), ("de", "German-GSD")):
            name = f"{language}_{bank.split('-')[1].lower()}-ud-{split}.conllu"
            _file(
                folder / "ud-treebanks" / f"UD_{bank}" / name,
                "\n".join(map(_tree, draw.sentences(count))) + "\n",
            )
    for language in ("en", "de"):
        _file(
            folder / "lareqa" / "xquad-r" / f"{language}.json",
            json.dumps({"data": [_xquad_r(Draw("xquad-r"))]}),
        )
    for language in ("ar", "de", "es", "hi", "ru", "sw", "th", "zh"):
        # A word is its letters alone: `w38` becomes `zde38`.
        _file(folder / "dictionaries" / f"en-{language}.txt", f"w z{language}\n")
    return folder


def _file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _tree(words: Sequence[str]) -> str:
    """A sentence as Universal Dependencies writes it; the first word is the root."""
    lines = [
        f"{i}\t{word}\t{word}\t{UPOS_XTREME[i % 17]}\t_\t_\t"
        f"{int(i > 1)}\t{'dep' if i > 1 else 'root'}\t_\t_"
        for i, word in enumerate(words, start=1)
    ]
    return "\n".join(lines) + "\n"


def _xquad_r(draw: Draw) -> dict[str, Any]:
    paragraphs = []
    for number in range(4):
        first, second = draw.text(4, 6), draw.text(4, 6)
        breaks = [[0, len(first)], [len(first) + 1, len(first) + 1 + len(second)]]
        starts = (0, len(first) + 1)
        questions = [
            {
                "id": f"{number}-{i}",
                "question": draw.text(),
                "answers": [{"text": text.split()[0], "answer_start": at}],
            }
            for i, (text, at) in enumerate(zip((first, second), starts, strict=True))
        ]
        paragraphs.append(
            {"context": f"{first} {second}", "sentence_breaks": breaks, "qas": questions}
        )
    return {"title": "w1", "paragraphs": paragraphs}
