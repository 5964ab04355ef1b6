"""What a transaction notes while it goes on, to be written at its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class AuditEntry(NamedTuple):
    """An audit record before it has its place in a chain; its columns in the words of `rotator.store.tables`.

    Attributes:
        revision: that the secret has with the change which this is the record of; None where it changed nothing.
    """

    request_id: str
    account: str
    region: str
    principal: str
    event: str
    secret_arn: str | None
    version_id: str | None
    outcome: str
    detail: Mapping[str, Any] | None = None
    revision: int | None = None


class Access(NamedTuple):
    """A version that was read.

    Attributes:
        secret_day: the day (midnight UTC) of its secret's last noted read.
        version_day: the same of the version.
        owner: row id of the secret that the version is of, where it was read through a replica.
    """

    secret_id: int
    version_id: str
    secret_day: datetime | None
    version_day: datetime | None
    owner: int | None = None
