"""Rotations driven verb by verb, as the engine does it, without an engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rotator.sdk import Candidate, Level, Preflight, Rotation, Rotator, SecretValue, clock
from rotators.mysql_protocol.settings import MariadbSettings
from tests.support.postgres import unique_name

ADMIN_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:admin-AbCdEf"

Values = dict[Candidate, SecretValue]


def rotation_of(
    values: Mapping[Candidate, SecretValue],
    *,
    kind: type[Rotator] | None = None,
    seconds: float = 20.0,
    settings: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Rotation:
    """A rotation of these values, whose step ends in so many seconds.

    Args:
        kind: the rotator whose model the settings are of; without it MariaDB's, which extends those of all databases.
    """
    model = MariadbSettings if kind is None else kind.settings_model
    plain: dict[str, Any] = {
        "rotation_id": unique_name("run"),
        "secret_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf",
        "secret_name": "app",
        "token": "5b8c1b3e-98a4-4b4c-9c61-5a4e1d6f2b10",
        "fencing": 1,
        "attempt": 1,
        "settings": model.parse(settings or {}),
        "deadline": clock() + seconds,
    }
    return Rotation(values=dict(values), **(plain | fields))


@contextmanager
def attempt(kind: type[Rotator]) -> Iterator[Rotator]:
    """A rotator for one attempt."""
    rotator = kind()
    try:
        yield rotator
    finally:
        rotator.close()


def preflight(kind: type[Rotator], rotation: Rotation) -> Preflight:
    """What preflight alone finds."""
    with attempt(kind) as rotator:
        return rotator.preflight(rotation)


def rotate(kind: type[Rotator], values: Mapping[Candidate, SecretValue], **fields: Any) -> Values:
    """One whole rotation that preflight lets through; the values after the labels have moved."""
    with attempt(kind) as rotator:
        found = rotator.preflight(rotation_of(values, kind=kind, **fields))
        assert not found.refusals, found.refusals
        pending = rotator.create_secret(rotation_of(values, kind=kind, **fields))
        values_now = {**values, Candidate.PENDING: pending}
        step = rotation_of(values_now, kind=kind, overlap=found.overlap, **fields)
        rotator.set_secret(step)
        rotator.test_secret(step)
    return {Candidate.CURRENT: pending, Candidate.PREVIOUS: values[Candidate.CURRENT]}


def with_pending(kind: type[Rotator], values: Mapping[Candidate, SecretValue]) -> Values:
    """The values with a new pending one, which no server knows yet."""
    with attempt(kind) as rotator:
        return {**values, Candidate.PENDING: rotator.create_secret(rotation_of(values, kind=kind))}


def refusals(found: Preflight) -> str:
    """What preflight refuses, with the remedies, for looking something up in it."""
    return "\n".join(f"{f.message}: {f.remedy}" for f in found.refusals)


def warnings(found: Preflight) -> str:
    """What preflight warns of, with the remedies."""
    return "\n".join(f"{f.message}: {f.remedy}" for f in found.findings if f.level is Level.WARNING)
