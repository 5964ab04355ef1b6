"""A house whose engine invokes rotation functions: as files on this machine, and over the Lambda Invoke API."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rotator.api.loopback import Loopback
from rotator.rotation.engine import Engine
from rotator.rotation.functions import functions_elsewhere, local_functions
from rotator.rotation.registry import RotatorRegistry
from tests.support.house import House
from tests.support.manager import ACCOUNT, REGION

EXAMPLES = Path(__file__).parents[2] / "examples" / "functions"


class HostedHouse(House):
    """A house with a loopback port for functions."""

    loopback: Loopback

    def engine(self, **changes: Any) -> Engine:
        return super().engine(**{"functions": self.loopback.hosting, **changes})


def registry_of(
    files: Mapping[str, str], *, elsewhere: Mapping[str, Any] | None, timeout: float = 30.0
) -> RotatorRegistry:
    """The built-in rotators and these functions."""
    options = {"interpreter": sys.executable, "environment": (), "timeout": timeout}
    entries = local_functions({name: {"file": f, **options} for name, f in files.items()})
    return RotatorRegistry.load(
        entries, elsewhere=None if elsewhere is None else functions_elsewhere(elsewhere)
    )


@contextmanager
def hosting(
    house: House,
    files: Mapping[str, Path],
    *,
    elsewhere: Mapping[str, Any] | None = None,
    timeout: float = 30.0,
) -> Iterator[HostedHouse]:
    """The same house with these functions, until the block ends.

    Args:
        files: by the name of the function.
        elsewhere: how functions are invoked that an ARN names.
    """
    registry = registry_of(
        {name: str(f) for name, f in files.items()}, elsewhere=elsewhere, timeout=timeout
    )
    made = HostedHouse(**vars(replace(house, registry=registry)))
    made.loopback = Loopback(
        store=house.store,
        sealer=house.sealer,
        manager=lambda: house.manager,
        engine=lambda: house.engine(parks=True),
        account=ACCOUNT,
        region=REGION,
        regions=frozenset({REGION}),
    )
    try:
        yield made
    finally:
        made.loopback.close()
