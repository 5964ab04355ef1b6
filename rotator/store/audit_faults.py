"""What a verification of the audit finds, in the words of people. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.store.audit_chain import CHECKPOINTS, UNCHAINED
from rotator.store.audit_rows import Difference


class Wrong(StrEnum):
    """What is wrong with a chain."""

    ALTERED = "altered"
    REMOVED = "removed"
    CUT = "cut"
    INSERTED = "inserted"
    HEAD = "head"
    OTHER_THAN_KEPT = "other-than-kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first thing that is wrong in one place.

    Attributes:
        chain: `shard 3`, `checkpoints`, `unchained`.
        seq: of the record; None where it is not about one.
        meaning: what it means, for people.
    """

    chain: str
    seq: int | None
    wrong: Wrong
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found.

    Attributes:
        records: how many were walked, in chains or not.
        unchained: how many of them an earlier release left, in no chain.
        secrets: how many were compared with the records of their changes.
    """

    records: int
    checkpoints: int
    unchained: int
    secrets: int
    faults: tuple[Fault, ...]


def chain_name(shard: int) -> str:
    """A chain as people name it."""
    return {CHECKPOINTS: "checkpoints", UNCHAINED: "unchained"}.get(shard, f"shard {shard}")


def of_secret(difference: Difference) -> Fault:
    """A secret that is not as its records left it."""
    named = difference.arn.rpartition(":secret:")[2]
    if not difference.there:
        wrong, meaning = Wrong.REMOVED, "it was removed from the store, and no record says so"
    elif not difference.known:
        wrong, meaning = Wrong.INSERTED, "it is in the store, and no record says how it came there"
    else:
        wrong = Wrong.ALTERED
        meaning = f"not as its last recorded change left it: {', '.join(difference.what)}"
    return Fault(chain=f"secret {named}", seq=None, wrong=wrong, meaning=meaning)
