"""Commands of the documentation, for tests that type them word for word."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commands(page: str, heading: str, number: int = 0) -> str:
    """The `number`th block of commands under a heading of a page of docs/."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    (section,) = re.findall(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return re.findall(r"^```bash\n(.*?)^```$", section, re.M | re.S)[number]
