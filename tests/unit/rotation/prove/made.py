"""Logins as clients would report them."""

from rotator.rotation.prove.logins import ClientKind, Login, Outcome
from rotator.rotation.prove.promise import Promise
from rotator.sdk import Overlap

FETCHING, HOLDING = ClientKind.FETCHING, ClientKind.HOLDING
GAP = Promise(overlap=Overlap.GAP, drain=0.25)
DUAL = Promise(overlap=Overlap.DUAL, drain=0.25)


def login(
    outcome: Outcome = Outcome.ACCEPTED,
    *,
    client: int = 0,
    kind: ClientKind = FETCHING,
    at: float = 0.0,
    seconds: float = 0.01,
    held_for: float | None = None,
    waited: float = 0.001,
    version: str | None = "v1",
    message: str | None = None,
) -> Login:
    """A login that began at `at`, with a value that was just read or, with `held_for`, so many seconds before."""
    return Login(
        client=client,
        kind=kind,
        version=version,
        fetched_at=at - (held_for or 0.0),
        waited=waited if held_for is None else None,
        began=at,
        ended=at + seconds,
        outcome=outcome,
        message=message,
    )
