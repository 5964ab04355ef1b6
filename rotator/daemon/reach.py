"""Whose secrets a daemon works on: those of every account, in the regions that the configuration names."""

from collections.abc import Sequence
from dataclasses import dataclass

from rotator.model.caller import Caller, rotation_service
from rotator.model.names import parse_secret_id
from rotator.store.places import places
from rotator.store.store import Store


@dataclass(frozen=True, slots=True)
class Reach:
    """The engine as a caller, wherever the daemon works."""

    store: Store
    regions: frozenset[str]

    def callers(self) -> Sequence[Caller]:
        """One for each account and region that has secrets.

        Raises:
            StoreUnavailable: the store can't be read.
        """
        with self.store.read() as tx:
            found = tuple(places(tx))
        return [
            rotation_service(account=account, region=region)
            for account, region in found
            if region in self.regions
        ]


def caller_for(arn: str) -> Caller:
    """The engine as a caller where a secret is."""
    at = parse_secret_id(arn)
    return rotation_service(account=at.account or "", region=at.region or "")
