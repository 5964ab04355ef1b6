"""The map of the code, docs/architecture.md, against the code."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_MAP = (_ROOT / "docs" / "architecture.md").read_text()
_TOLD = set(re.findall(r"`([A-Za-z0-9_./-]+)`", _MAP))
_FOLDERS = ("rotator", "rotators", "tests", "benchmarks", "docs")
_THERE = {
    path.relative_to(_ROOT).as_posix()
    for folder in _FOLDERS
    for path in (_ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md"} or path.is_dir()
}


def test_each_file_and_folder_that_it_names_is_there() -> None:
    """A module that was renamed, split or removed is told of by the name that it has now."""
    named = {name.rstrip("/") for name in _TOLD if name.endswith((".py", ".md", "/"))}
    assert not [
        name
        for name in sorted(named)
        if name not in _THERE and not any(there.endswith(f"/{name}") for there in _THERE)
    ]


def test_each_room_is_told_of() -> None:
    """A package directly below `rotator` or `rotators` has its row in the table of rooms."""
    rooms = {
        path.parent.relative_to(_ROOT).as_posix()
        for top in ("rotator", "rotators")
        for path in (_ROOT / top).glob("*/__init__.py")
    }
    assert rooms - _TOLD == set()
