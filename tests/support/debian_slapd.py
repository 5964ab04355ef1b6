"""A real OpenLDAP server for the tests, from Debian's packages where none is named."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian_packages import Apt, PackagesUnavailable, unpacked
from tests.support.unpacked import Tree, trim

VARIABLE = "ROTATOR_TEST_SLAPD_ROOT"
"""Names the folder that has `usr/sbin/slapd`, `usr/lib/ldap` and `etc/ldap/schema`; "/" for an installed one."""


class SlapdUnavailable(Exception):
    """There is no server to test with; the text says how to supply one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slapd:
    """The program, and where its modules and schemas are."""

    command: list[str]
    root: Path


def slapd(environment: Mapping[str, str] = os.environ) -> Slapd:
    """The server to test with; SlapdUnavailable says how to supply one."""
    if named := environment.get(VARIABLE):
        return Slapd(command=[str(Path(named) / "usr/sbin/slapd")], root=Path(named))

    def fill(work: Path, root: Path) -> None:
        apt = Apt(work)
        apt.download_closure("slapd")
        apt.unpack(root)
        trim(root)

    try:
        tree = Tree(unpacked("slapd", fill))
    except PackagesUnavailable as failure:
        raise SlapdUnavailable(
            f"The tests need OpenLDAP's slapd. Install it and set {VARIABLE} to /. "
            f"Fetching Debian's packages for the tests failed: {failure}"
        ) from failure
    return Slapd(command=tree.command("usr/sbin/slapd"), root=tree.path)
