"""Records that say all that is known of a secret, where the records before them go or never were."""

from collections.abc import Iterator, Sequence

from rotator.model.caller import rotation_service
from rotator.store import audit_known, audit_rows
from rotator.store.audit import Outcome
from rotator.store.audit_walk import Columns
from rotator.store.changes import RESTATED, Known
from rotator.store.notes import AuditEntry
from rotator.store.tx import Tx


def of_rows(tx: Tx) -> Iterator[Sequence[AuditEntry]]:
    """Of every secret as its rows are, a batch at a time: the audit of an earlier release's store begins with them."""
    for batch in audit_rows.batches(tx):
        yield [
            _record(
                _known(arn, found), account=found.columns["account"], region=found.columns["region"]
            )
            for arn, found in batch.items()
        ]


def of_records(tx: Tx, rows: Sequence[Columns]) -> Sequence[Known]:
    """What is known of the secrets that these records changed; to be asked before they go."""
    arns = {row["secret_arn"] for row in rows if row["revision"] is not None}
    found = (audit_known.one(tx, arn) for arn in sorted(arns))
    return [known for known in found if known is not None]


def restate(tx: Tx, known_ones: Sequence[Known], entry: AuditEntry) -> None:
    """Records what was known of secrets, once records of theirs are gone; nothing of a secret that left no other.

    Args:
        entry: the record of what took them away.
    """
    for known in known_ones:
        if not known.gone or audit_known.one(tx, known.arn) is not None:
            said = {"left": known.restated()}
            tx.record(
                entry._replace(
                    event=RESTATED,
                    secret_arn=known.arn,
                    detail=said,
                    revision=known.revision,
                )
            )


def _known(arn: str, found: audit_rows.Found) -> Known:
    return Known(
        arn=arn,
        revision=found.revision,
        columns=dict(found.columns),
        labels=dict(found.labels),
        tags=dict(found.tags),
        pinned=set(found.pinned),
        rotation=found.rotation,
    )


def _record(known: Known, *, account: str, region: str) -> AuditEntry:
    caller = rotation_service(account=account, region=region)
    return AuditEntry(
        request_id="audit-begun",
        account=account,
        region=region,
        principal=caller.principal,
        event=RESTATED,
        secret_arn=known.arn,
        version_id=None,
        outcome=str(Outcome.SUCCEEDED),
        detail={"left": known.restated()},
        revision=known.revision,
    )
