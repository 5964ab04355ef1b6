"""`systemd-analyze`: the machine's own, or else out of Debian's package."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.debian_packages import Apt, PackagesUnavailable, unpacked
from tests.support.unpacked import Tree

VARIABLE = "ROTATOR_TEST_SYSTEMD_ANALYZE"


class SystemdUnavailable(Exception):
    """There is no systemd-analyze; the text says how to supply one."""


@dataclass(frozen=True, slots=True)
class Analyzer:
    """The program.

    Attributes:
        environment: what it needs besides.
    """

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def analyzer(environment: Mapping[str, str] = os.environ) -> Analyzer:
    """The program; SystemdUnavailable says how to supply one."""
    own = environment.get(VARIABLE) or shutil.which("systemd-analyze")
    return Analyzer([own]) if own else debian_analyzer()


def debian_analyzer() -> Analyzer:
    """Debian's, unpacked; it knows no units but those of its own package."""
    try:
        root = unpacked("systemd", _fill)
    except PackagesUnavailable as failure:
        raise SystemdUnavailable(
            f"The tests need systemd-analyze. Install systemd, or set {VARIABLE} to the program. Fetching Debian's "
            f"package for the tests failed: {failure}"
        ) from failure
    units = next(root.rglob("sysinit.target")).parent
    return Analyzer(
        Tree(root).command("usr/bin/systemd-analyze"), {"SYSTEMD_UNIT_PATH": str(units)}
    )


def _fill(work: Path, root: Path) -> None:
    apt = Apt(work)
    apt.download_closure("systemd")
    apt.unpack(root)
