"""The rotators of values that only the store knows pass the suite that authors of plugins get."""

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from rotator.sdk import Candidate, Rotator, SecretValue
from rotator.testing.conformance import ConformanceTarget, RotatorConformance
from rotators.generated import Ed25519SshKey, GenericPassword, TlsSelfSigned, X25519Key
from tests.support.rotations import attempt, rotation_of


class NoTarget(ConformanceTarget):
    """There is nothing outside to log in to: a credential is what the rotator makes."""

    def __init__(self, kind: type[Rotator], **settings: str) -> None:
        self._kind = kind
        self._settings = settings

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._settings

    def new_credential(self, name: str) -> SecretValue:
        before = SecretValue.from_json({"note": name, "password": secrets.token_urlsafe(18)})
        step = rotation_of({Candidate.CURRENT: before}, kind=self._kind, settings=self._settings)
        with attempt(self._kind) as rotator:
            return rotator.create_secret(step)

    def logs_in(self, value: SecretValue) -> bool:
        raise NotImplementedError


class WithoutTarget(RotatorConformance):
    """Names make no difference where there is no user."""

    hostile_names = ('"',)


class TestGenericPassword(WithoutTarget):
    """A field of a JSON object."""

    rotator = GenericPassword

    @pytest.fixture
    def target(self) -> ConformanceTarget:
        return NoTarget(GenericPassword, field="password")


class TestX25519Key(WithoutTarget):
    """A binary value in the place of JSON."""

    rotator = X25519Key

    @pytest.fixture
    def target(self) -> ConformanceTarget:
        return NoTarget(X25519Key, form="binary")


class TestEd25519SshKey(WithoutTarget):
    """A key pair beside other fields."""

    rotator = Ed25519SshKey

    @pytest.fixture
    def target(self) -> ConformanceTarget:
        return NoTarget(Ed25519SshKey)


class TestTlsSelfSigned(WithoutTarget):
    """A key and its certificate."""

    rotator = TlsSelfSigned

    @pytest.fixture
    def target(self) -> ConformanceTarget:
        return NoTarget(TlsSelfSigned, names="app.example.com")
