"""Programs that were unpacked from Debian's packages, C library included, and run through its loader."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NOT_NEEDED = ("usr/share/perl", "usr/lib/python3", "usr/share/doc", "usr/share/locale", "var")


@dataclass(frozen=True, slots=True)
class Tree:
    """The folder that packages were unpacked into."""

    path: Path

    def command(self, program: str) -> list[str]:
        """How to start the program with this path in the tree."""
        libraries = sorted({path.parent for path in self.path.rglob("lib*.so.*")})
        return [
            str(next(self.path.rglob("ld-linux*.so.?"))),
            "--library-path",
            ":".join(map(str, libraries)),
            str(self.path / program),
        ]


def trim(root: Path, more: Sequence[str] = ()) -> None:
    """Remove what no server needs."""
    for name in (*_NOT_NEEDED, *more):
        shutil.rmtree(root / name, ignore_errors=True)
