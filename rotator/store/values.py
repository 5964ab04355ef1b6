"""What GetSecretValue needs of a secret, a version and its labels, in one statement."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Join, Select, bindparam, select

from rotator.errors import ResourceNotFound
from rotator.model.labels import CURRENT
from rotator.store import versions as version_rows
from rotator.store.secrets import Barrier, barrier_of, place
from rotator.store.tables import labels, secrets, versions
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow


class ValueRow(NamedTuple):
    """One version of a secret, with what of the secret decides who may have it and when.

    Attributes:
        version: None where there is no such version.
        stages: the labels on it, sorted.
    """

    id: int
    account: str
    region: str
    name: str
    arn: str
    accessed_on: datetime | None
    deleted_at: datetime | None
    barrier: Barrier | None
    version: VersionRow | None
    stages: tuple[str, ...]


_SECRET = tuple(
    secrets.c[name].label(f"its_{name}")
    for name in (
        "id", "account", "region", "name", "arn", "accessed_on", "deleted_at", "barrier_raised_at", "barrier_until",
    )
)  # fmt: skip
_wanted = labels.alias("wanted")
_all = labels.alias("all_labels")
_BY = {
    "arn": secrets.c.arn == bindparam("at_arn"),
    "name": (secrets.c.account == bindparam("at_account"))
    & (secrets.c.region == bindparam("at_region"))
    & (secrets.c.name == bindparam("at_name")),
}


def _at_label(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    found = secrets.outerjoin(
        _wanted, (_wanted.c.secret_id == secrets.c.id) & (_wanted.c.label == bindparam("wanted"))
    ).outerjoin(
        versions,
        (versions.c.secret_id == secrets.c.id) & (versions.c.version_id == _wanted.c.version_id),
    )
    return _with_labels(found, which)


def _at_version(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    found = secrets.outerjoin(
        versions,
        (versions.c.secret_id == secrets.c.id) & (versions.c.version_id == bindparam("wanted")),
    )
    return _with_labels(found, which)


def _with_labels(found: Join, which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    labelled = found.outerjoin(
        _all,
        (_all.c.secret_id == versions.c.secret_id) & (_all.c.version_id == versions.c.version_id),
    )
    return select(*_SECRET, *version_rows.COLUMNS, _all.c.label).select_from(labelled).where(which)


_BY_SEVERAL = {
    "id": secrets.c.id.in_(bindparam("keys", expanding=True)),
    "arn": secrets.c.arn.in_(bindparam("keys", expanding=True)),
    "name": (secrets.c.account == bindparam("at_account"))
    & (secrets.c.region == bindparam("at_region"))
    & secrets.c.name.in_(bindparam("keys", expanding=True)),
}
_CURRENT_OF = {key: _at_label(which) for key, which in _BY_SEVERAL.items()}
_AT_LABEL = {key: _at_label(which) for key, which in _BY.items()}
_AT_VERSION = {key: _at_version(which) for key, which in _BY.items()}


def find(
    tx: Tx,
    *,
    account: str,
    region: str,
    secret_id: str,
    version_id: str | None,
    stage: str,
) -> ValueRow:
    """The secret that a SecretId names, and its version: the one with `version_id`, else the one at the label.

    Args:
        account: where a bare name is looked up, as `region` is.

    Raises:
        ValidationError: a bare name is malformed.
        ResourceNotFound: there is no such secret.
    """
    key, at = place(secret_id, account=account, region=region)
    statements, wanted = (_AT_LABEL, stage) if version_id is None else (_AT_VERSION, version_id)
    rows = tx.execute(statements[key], {**at, "wanted": wanted}).all()
    if not rows:
        raise ResourceNotFound("Secrets Manager can't find the specified secret.")
    return _value_row(rows)


def current_by_id(tx: Tx, secret_ids: Collection[int]) -> Mapping[int, ValueRow]:
    """The AWSCURRENT versions of secrets, by the secrets' row ids."""
    found = _several(tx, "id", secret_ids, {})
    return {row.id: row for row in found}


def current_by_arn(tx: Tx, arns: Collection[str]) -> Mapping[str, ValueRow]:
    """The AWSCURRENT versions of those of the secrets that exist, by ARN."""
    return {row.arn: row for row in _several(tx, "arn", arns, {})}


def current_by_name(
    tx: Tx, names: Collection[str], *, account: str, region: str
) -> Mapping[str, ValueRow]:
    """The AWSCURRENT versions of those of the secrets that exist there, by name."""
    found = _several(tx, "name", names, {"at_account": account, "at_region": region})
    return {row.name: row for row in found}


def _several(
    tx: Tx, key: str, keys: Collection[object], where: Mapping[str, object]
) -> Iterator[ValueRow]:
    if keys:
        rows = tx.execute(_CURRENT_OF[key], {**where, "keys": list(keys), "wanted": CURRENT}).all()
        of_one: dict[int, list[Any]] = {}
        for row in rows:
            of_one.setdefault(row.its_id, []).append(row)
        yield from map(_value_row, of_one.values())


def _value_row(rows: Sequence[Any]) -> ValueRow:
    """What the rows of one secret, a label each, say together."""
    row = rows[0]
    return ValueRow(
        row.its_id,
        row.its_account,
        row.its_region,
        row.its_name,
        row.its_arn,
        row.its_accessed_on,
        row.its_deleted_at,
        barrier_of(row.its_barrier_raised_at, row.its_barrier_until),
        None if row.version_id is None else version_rows.from_row(row),
        tuple(sorted(each.label for each in rows if each.label is not None)),
    )
