"""Real Redis and Valkey servers for the tests, from Debian's packages where none is named.

Redis is the machine's own suite's. Valkey comes from `trixie`, with the C library that it was built for.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian_packages import Apt, PackagesUnavailable, unpacked
from tests.support.unpacked import Tree, trim


class RedisUnavailable(Exception):
    """There is no server to test with; the text says how to supply one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One of the two.

    Attributes:
        variable: names the program of a server to test with.
        suite: of Debian, None for the machine's own.
    """

    name: str
    variable: str
    package: str
    suite: str | None


REDIS = Product(name="redis", variable="ROTATOR_TEST_REDIS", package="redis-server", suite=None)
VALKEY = Product(
    name="valkey", variable="ROTATOR_TEST_VALKEY", package="valkey-server", suite="trixie"
)


def server_command(product: Product, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command line of the server, up to its options; RedisUnavailable says how to supply one."""
    if named := environment.get(product.variable):
        return [named]

    def fill(work: Path, root: Path) -> None:
        apt = Apt(work, suite=product.suite)
        apt.download_closure(product.package)
        apt.unpack(root)
        trim(root)

    try:
        tree = Tree(unpacked(product.name, fill))
    except PackagesUnavailable as failure:
        raise RedisUnavailable(
            f"The tests need a {product.name} server. Install one and set {product.variable} to its program. "
            f"Fetching Debian's packages for the tests failed: {failure}"
        ) from failure
    return tree.command(f"usr/bin/{product.package}")
