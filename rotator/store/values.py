"""What GetSecretValue needs of a secret, a version and its labels, in one statement."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Join, Select, bindparam, func, select

from rotator.crypto.envelope import Sealed
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
        origin: of a replica, the primary that its versions are of; None where that is missing.
        key: the sealing key that a replica names; None for the default one.
        is_replica: whether it is one.
        governed_by: its resource policy, and the sealing key that it names, where they were looked up with it.
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
    origin: "Origin | None" = None
    key: str | None = None
    is_replica: bool = False
    governed_by: tuple[str | None, str | None] | None = None

    @property
    def owner(self) -> int:
        """Row id of the secret that the version is of."""
        return self.id if self.origin is None else self.origin.id


class Origin(NamedTuple):
    """The primary of a replica: what its values are bound to."""

    id: int
    account: str
    region: str
    name: str
    arn: str


_SECRET = tuple(
    secrets.c[name].label(f"its_{name}")
    for name in (
        "id", "account", "region", "name", "arn", "accessed_on", "deleted_at", "kms_key_id", "primary_region",
    )
)  # fmt: skip
# A secret that is no replica is its own origin. A replica has neither versions nor labels: the primary's are read, and
# its barrier is obeyed.
_origin = secrets.alias("origin")
_ORIGIN = tuple(
    _origin.c[name].label(f"of_{name}")
    for name in ("id", "account", "region", "name", "arn", "barrier_raised_at", "barrier_until")
)
_from_origin = secrets.outerjoin(
    _origin,
    (_origin.c.account == secrets.c.account)
    & (_origin.c.region == func.coalesce(secrets.c.primary_region, secrets.c.region))
    & (_origin.c.name == secrets.c.name),
)
_wanted = labels.alias("wanted")
_all = labels.alias("all_labels")
_BY = {
    "arn": secrets.c.arn == bindparam("at_arn"),
    "name": (secrets.c.account == bindparam("at_account"))
    & (secrets.c.region == bindparam("at_region"))
    & (secrets.c.name == bindparam("at_name")),
}


def _at_label(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    found = _from_origin.outerjoin(
        _wanted, (_wanted.c.secret_id == _origin.c.id) & (_wanted.c.label == bindparam("wanted"))
    ).outerjoin(
        versions,
        (versions.c.secret_id == _origin.c.id) & (versions.c.version_id == _wanted.c.version_id),
    )
    return _with_labels(found, which)


def _at_version(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    found = _from_origin.outerjoin(
        versions,
        (versions.c.secret_id == _origin.c.id) & (versions.c.version_id == bindparam("wanted")),
    )
    return _with_labels(found, which)


def _with_labels(found: Join, which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    labelled = found.outerjoin(
        _all,
        (_all.c.secret_id == versions.c.secret_id) & (_all.c.version_id == versions.c.version_id),
    )
    columns = (*_SECRET, *_ORIGIN, *version_rows.COLUMNS, _all.c.label)
    return select(*columns).select_from(labelled).where(which)


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

# Nearly every read is of a secret by its name, and of one that is in use, with a version that has a value and is not
# pinned, while no barrier is raised. Then all of that needn't be fetched: each column of a row that a driver gives out
# is paid for, most of all where many threads read.
_in_use = (
    secrets.c.deleted_at.is_(None)
    & secrets.c.primary_region.is_(None)
    & secrets.c.barrier_raised_at.is_(None)
    & ~versions.c.pinned
    & versions.c.bound_key_id.is_(None)
    & versions.c.key_id.is_not(None)
    & versions.c.wrapped_key.is_not(None)
    & versions.c.nonce.is_not(None)
    & versions.c.ciphertext.is_not(None)
)
_ORDINARY_COLUMNS = (
    *(secrets.c[name] for name in ("id", "name", "arn", "accessed_on", "resource_policy", "kms_key_id")),
    *(versions.c[name] for name in ("version_id", "created_at", "accessed_on", "key_id")),
    *(versions.c[name] for name in ("wrapped_key", "nonce", "ciphertext", "binary")),
    _all.c.label,
)  # fmt: skip


def ordinary(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Of the secrets that are meant what is ordinary, at a label: a row for each label of its version."""
    found = (
        secrets.join(
            _wanted,
            (_wanted.c.secret_id == secrets.c.id) & (_wanted.c.label == bindparam("wanted")),
        )
        .join(
            versions,
            (versions.c.secret_id == secrets.c.id)
            & (versions.c.version_id == _wanted.c.version_id),
        )
        .join(
            _all,
            (_all.c.secret_id == versions.c.secret_id)
            & (_all.c.version_id == versions.c.version_id),
        )
    )
    return select(*_ORDINARY_COLUMNS).select_from(found).where(which, _in_use)


_ORDINARY = ordinary(_BY["name"])


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
    parameters = {**at, "wanted": wanted}
    if key == "name" and version_id is None:
        rows = tx.execute(_ORDINARY, parameters).all()
        if rows:
            return ordinary_row(rows, account=at["at_account"], region=at["at_region"])
    rows = tx.execute(statements[key], parameters).all()
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


def ordinary_row(rows: Sequence[Any], *, account: str, region: str) -> ValueRow:
    """What the rows of `ordinary` say together, of a secret that was looked up there."""
    (
        id_,
        name,
        arn,
        secret_day,
        policy,
        own_key,
        version_id,
        created_at,
        version_day,
        key_id,
        wrapped_key,
        nonce,
        ciphertext,
        binary,
        label,
    ) = rows[0]
    sealed = Sealed(
        key_id=key_id, wrapped_key=wrapped_key, nonce=nonce, ciphertext=ciphertext, binary=binary
    )
    return ValueRow(
        id_,
        account,
        region,
        name,
        arn,
        secret_day,
        None,
        None,
        VersionRow(id_, version_id, created_at, version_day, sealed=sealed),
        (label,) if len(rows) == 1 else tuple(sorted(row[-1] for row in rows)),
        governed_by=(policy, own_key),
    )


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
        barrier_of(row.of_barrier_raised_at, row.of_barrier_until),
        None if row.version_id is None else version_rows.from_row(row),
        tuple(sorted(each.label for each in rows if each.label is not None)),
        *_replica(row),
    )


def _replica(row: Any) -> tuple[Origin | None, str | None, bool]:
    if row.its_primary_region is None:
        return None, None, False
    found = row.of_id is not None and row.its_primary_region != row.its_region
    origin = Origin(row.of_id, row.of_account, row.of_region, row.of_name, row.of_arn)
    return origin if found else None, row.its_kms_key_id, True
