"""What becomes of each column of the store that somebody alters who has neither the sealing key nor the audit key.

`test_tampering` proves the verdicts; `docs/tampering.md` is written from them: python -m tests.faults.store.verdicts
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "tampering.md"

WAYS: Mapping[str, str] = {
    "open": "the store is refused when it is opened",
    "record": "nothing more is recorded, and so nothing done",
    "read": "a read refuses it",
    "identity": "nobody is let in by an access key",
    "claim": "a rotation refuses it, or ends with a reason and the target as before",
    "verify": "`rotate audit verify` tells",
}
"""Who detects an alteration, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a column.

    Attributes:
        ways: who detects it, of the keys of `WAYS`.
        harmless: why values, labels, tags, settings, deletion marks and logins stay what they are.
        open: what may happen unseen.
    """

    ways: tuple[str, ...] = ()
    harmless: str | None = None
    open: str | None = None

    def __str__(self) -> str:
        if self.open is not None:
            return f"**open**: {self.open}"
        if self.harmless is not None:
            return f"harmless: {self.harmless}"
        return f"detected: {'; '.join(WAYS[way] for way in self.ways)}"


def _detected(*ways: str) -> Verdict:
    return Verdict(ways=ways)


def _harmless(why: str) -> Verdict:
    return Verdict(harmless=why)


_DISPLAY = _harmless(
    "it is only shown, by `rotate history` and `rotate status`; the audit has what happened"
)
_PROBED = _harmless(
    "where a rotation's value is stored, what lives on the target is asked, whatever the row says"
)
_EMPTY = _harmless("the table is empty but in a store that is moved, which its revision says")
_VERIFY = _detected("verify")


def _each(table: str, columns: str, verdict: Verdict) -> dict[str, Verdict]:
    return {f"{table}.{column}": verdict for column in columns.split()}


VERDICTS: Mapping[str, Verdict] = {
    **_each("access_keys", "access_key_id principal_id disabled created_at", _detected("identity")),
    "access_keys.used_on": _harmless("the day of the last use is only shown"),
    **_each("access_keys", "key_id wrapped_key nonce ciphertext", _detected("identity")),
    **_each("access_state", "id revision mac", _detected("identity")),
    "alembic_version.version_num": _detected("open"),
    **_each(
        "audit",
        "shard seq at request_id account region principal event secret_arn version_id outcome detail revision mac",
        _VERIFY,
    ),
    **_each(
        "audit_checkpoints",
        "seq at reason fingerprint heads bases unchained unchained_digest mac",
        _VERIFY,
    ),
    **_each("audit_heads", "shard seq mac seal", _VERIFY),
    **_each("labels", "secret_id label version_id", _VERIFY),
    **_each("moves", "other run at", _EMPTY),
    **_each(
        "principals",
        "id account kind name unique_id disabled created_at groups policies",
        _detected("identity"),
    ),
    **_each("rotation_events", "id rotation_id at phase attempt outcome seconds detail", _DISPLAY),
    **_each("rotations", "id secret_id token status", _VERIFY),
    **_each(
        "rotations", "rotator phase goal live overlap failure current_version", _detected("claim")
    ),
    **_each("rotations", "attempt reverts fencing", _detected("claim")),
    **_each("rotations", "created touched dirty finished taken_over", _PROBED),
    **_each("rotations", "requested_by request_id created_at updated_at ended_at", _DISPLAY),
    "rotations.deadline_at": _harmless(
        "whoever takes a rotation up gets time anew; after a grace period clients are waited for longer, or not"
    ),
    "rotations.next_attempt_at": _harmless(
        "whoever asks takes a waiting rotation up at once; a grace period ends earlier or later, and the old "
        "credential is retired only where no label needs it"
    ),
    "rotations.retired": _harmless(
        "where it says so the version before is not set again when a rotation is taken back; else it may be"
    ),
    "rotations.compromised": _harmless(
        "whether an old credential gets a grace period; it is retired only where no label needs it"
    ),
    "rotations.strictness": _harmless(
        "the next value is longer, or one more value is refused; never longer than 128 characters"
    ),
    "rotations.previous_version": _harmless("one more or one fewer value to probe with"),
    "rotations.admin_arn": _harmless(
        "the admin secret is the one that is pinned in the secret's settings; this only keeps its own rotation waiting"
    ),
    "rotations.barrier_raised_at": _harmless(
        "a barrier that was raised says that the target takes one credential, which is probed; one raised again falls "
        "by itself"
    ),
    **_each(
        "rotations",
        "owner lease_expires lease_epoch",
        _harmless(
            "whoever takes a rotation over too early raises the fencing number, so its owner changes nothing more; "
            "nobody is kept out for longer than the longest lease that can be set"
        ),
    ),
    **_each("sealing_check", "key_id wrapped_key", _detected("open")),
    "secrets.id": _VERIFY,
    **_each("secrets", "account region name arn", _detected("read", "claim", "verify")),
    **_each(
        "secrets",
        "description kms_key_id created_at changed_at deleted_at purge_at rotation_enabled rotator schedule_expression "
        "automatically_after_days duration timezone missed rules_at rotated_at window_start window_end due_at "
        "authority admin_arn rotation_options resource_policy tagged revision primary_region replicas",
        _VERIFY,
    ),
    "secrets.due_basis": _harmless("where it is another one, the due time is worked out again"),
    "secrets.accessed_on": _harmless(
        "the day of the last read is only shown, and lists can be sorted by it"
    ),
    **_each(
        "secrets",
        "barrier_raised_at barrier_until",
        _harmless("a read waits for the longest limit that can be set, 60 s, at most"),
    ),
    **_each("tags", "secret_id key value", _VERIFY),
    **_each("versions", "secret_id version_id", _detected("read")),
    "versions.created_at": _harmless(
        "shown, and of versions without a label that are older than a day it says which go first where there are more "
        "than a hundred"
    ),
    "versions.accessed_on": _harmless("the day of the last read is only shown"),
    "versions.pinned": _VERIFY,
    **_each(
        "versions", "binary key_id bound_key_id wrapped_key nonce ciphertext", _detected("read")
    ),
    **_each("words", "secret_id place word", _VERIFY),
}

_HEAD = """\
# Tampering with the store

What becomes of a change that somebody makes who can write the store, but has neither the sealing key nor the audit key:
an intruder in the database, a faulty disk, a careless hand. `tests/faults/store/test_tampering.py` alters every column
of every table, on SQLite and PostgreSQL, in each way that fits it (emptied, changed, another row's value, swapped with
another row, a bit flipped, earlier and later times), and looks: are all values right or refused, do labels, tags,
settings and deletion marks stay, does a rotation that was interrupted end with a login? This page is written from the
test's own table (`make docs`), and the test fails where they differ, or where a new column has no verdict.

"Detected" names who detects what of a column matters; some alterations of such a column change nothing. A row that was
removed or added is told by `rotate audit verify` for secrets, labels, tags and audit records. An alteration of several
columns or rows at once is not what this table is about. Whoever puts back the whole store to an earlier state is found
by heads that are kept elsewhere (`rotate audit heads`, `rotate audit verify --against`).
"""


def page() -> str:
    """The page of the documentation."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _HEAD
    columns: Sequence[tuple[str, Verdict]] = sorted(
        VERDICTS.items(), key=lambda item: item[0].split(".")[0]
    )
    for table, of_table in groupby(columns, key=lambda item: item[0].split(".")[0]):
        yield f"## {table}\n\n| column | verdict |\n|---|---|"
        for column, verdict in of_table:
            yield f"| `{column.split('.')[1]}` | {verdict} |"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
