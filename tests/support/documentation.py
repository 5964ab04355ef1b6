"""The code that the documentation shows, taken out of it to be run."""

import re
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def shown(page: str, *, language: str, having: str) -> str:
    """The one block of a page in this language that has these words."""
    blocks = _BLOCK.findall((_DOCS / page).read_text())
    (block,) = [text for kind, text in blocks if kind == language and having in text]
    return str(block)
