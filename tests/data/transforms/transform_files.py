"""Transforms over dictionaries, translations and models that a test writes itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAIRS = [
    ("A dog.", "Ein Hund.", "de"),
    ("It sleeps.", "Er schläft.", "de"),
    ("A dog.", "Un chien.", "fr"),
    ("It sleeps.", "Il dort.", "fr"),
]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_column(folder: Path) -> dict[str, Any]:
    """Both languages in one file."""
    write(
        folder / "mine.jsonl",
        [{"text": t, "translation": made, "language": la} for t, made, la in PAIRS],
    )
    return {"lookup": {"files": ["mine.jsonl"], "languages": ["de", "fr"]}}


def dictionaries(folder: Path, **lines: str) -> None:
    """`<language>.txt` under `folder`, each of the lines that are given for it, split at `;`."""
    for language, text in lines.items():
        (folder / f"{language}.txt").write_text(
            "".join(f"{line}\n" for line in text.split(";")), encoding="utf-8"
        )


def switch(*languages: str, **spec: Any) -> dict[str, Any]:
    """A transform that replaces every word, but for `spec`."""
    fields = {"files": ["{language}.txt"], "languages": list(languages), "word_ratio": 1.0, **spec}
    return {"dictionary": fields}


def into(model: Path, *languages: str, **spec: Any) -> dict[str, Any]:
    """A transform that translates with the model in a folder."""
    return {"translate": {"model": str(model), "languages": list(languages), **spec}}


def plain(model: Path, folder: Path) -> Path:
    """The same model under a tokenizer that is told no language, as opus-mt's are: a sentence
    begins with it.
    """
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((model / "tokenizer.json").read_bytes())
    parts = tokenizer["post_processor"]
    parts["single"] = [
        part for part in parts["single"] if part.get("SpecialToken", {}).get("id") != "eng_Latn"
    ]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = json.loads((model / "tokenizer_config.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**settings, "tokenizer_class": "TokenizersBackend"})
    )
    return folder
