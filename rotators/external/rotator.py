"""The verbs of a rotator whose work is done by someone else, who answers to a verb in JSON."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from rotator.sdk import (
    Authority,
    Candidate,
    Misconfigured,
    NotSupported,
    Overlap,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    RotatorSettings,
    SecretValue,
    SettingInfo,
    Use,
    scrub,
)
from rotators.databases.fields import Fields
from rotators.external import protocol


@dataclass(frozen=True, kw_only=True)
class AnySettings(RotatorSettings):
    """Settings that only the program or endpoint knows; it gets them as they were given."""

    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Whatever was given."""
        return cls(given=dict(given))

    def to_mapping(self) -> dict[str, Any]:
        """What was given."""
        return dict(self.given)

    @classmethod
    def describe(cls) -> tuple[SettingInfo, ...]:
        """None are known here."""
        return ()


class ExternalRotator(Rotator):
    """Asks a program or an endpoint, and does what the SDK does by default where that knows no such verb.

    Args:
        name: as it is declared.
        issues_value: its target makes the new value, so that `create_secret` changes it and has to be known.
    """

    overlap = Overlap.GAP
    settings_model = AnySettings

    def __init__(self, *, name: str, issues_value: bool) -> None:
        # Class variables in the interface, those of the instance here.
        self.name = name  # type: ignore[misc]
        self.issues_value = issues_value  # type: ignore[misc]

    @abstractmethod
    def exchange(self, verb: str, request: bytes, rotation: Rotation) -> dict[str, Any]:
        """What was answered.

        Raises:
            NotSupported: there is no such verb there.
            StepError: the answer is an error, or there was none.
            ExternalBug: the answer is none that can be understood.
        """

    def claims(self, value: SecretValue) -> Authority:
        """What the JSON names in the fields that AWS's database secrets have; nothing for a value without them.

        Raises:
            Misconfigured: one of them has something else in it. What is not compared with what was pinned could send
                the admin's password to another server.
        """
        try:
            given = value.fields()
        except Misconfigured:
            return Authority()
        fields = Fields(values=given, product=self.name)
        username = fields.optional_text("username")
        return Authority(
            host=fields.optional_text("host"),
            port=fields.optional_port(),
            admin=fields.optional_text("masterarn"),
            users=() if username is None else (username,),
        )

    def preflight(self, rotation: Rotation) -> Preflight:
        """As it is answered; where that isn't known, `gap`."""
        try:
            found = protocol.preflight_in(self._ask("preflight", rotation))
        except NotSupported:
            return super().preflight(rotation)
        return _scrubbed(found, tuple(_plaintexts(rotation)))

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The value that is answered; where that isn't known, a new random password.

        Raises:
            Misconfigured: it isn't known, and the target has to make the value.
        """
        if self.issues_value:
            rotation.check_deadline()
        try:
            return protocol.value_in(self._ask("create_secret", rotation))
        except NotSupported:
            if self.issues_value:
                raise Misconfigured(
                    f"{self.name} is declared with issues_value and does not know create_secret",
                    hint="write it, or take issues_value out: docs/plugins.md describes the verbs",
                ) from None
            return super().create_secret(rotation)

    def set_secret(self, rotation: Rotation) -> None:
        """The one verb that has to be known.

        Raises:
            Misconfigured: it isn't.
        """
        rotation.check_deadline()
        try:
            self._ask("set_secret", rotation)
        except NotSupported as error:
            raise Misconfigured(
                f"{self.name} does not know set_secret: {error.message}",
                hint="write it: docs/plugins.md describes the verbs",
            ) from None

    def test_secret(self, rotation: Rotation) -> None:
        """As it is answered; where that isn't known, `probe` decides."""
        try:
            self._ask("test_secret", rotation)
        except NotSupported:
            super().test_secret(rotation)

    def finish_secret(self, rotation: Rotation) -> None:
        """Nothing where that isn't known."""
        self._ask_if_known("finish_secret", rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """As it is answered."""
        rotation.value(candidate)
        return protocol.proof_in(self._ask("probe", rotation, candidate=candidate))

    def revert_secret(self, rotation: Rotation) -> None:
        """As it is answered."""
        rotation.check_deadline()
        self._ask("revert_secret", rotation)

    def retire_secret(self, rotation: Rotation) -> None:
        """Nothing where that isn't known and the old value died anyway.

        Raises:
            NotSupported: it isn't known, and the old value lives.
        """
        rotation.check_deadline()
        if rotation.overlap in {Overlap.DUAL, Overlap.ALTERNATING}:
            self._ask("retire_secret", rotation)
        else:
            self._ask_if_known("retire_secret", rotation)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """As it is answered."""
        return protocol.uses_in(self._ask("in_use", rotation))

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """As it is answered."""
        self._ask("end_use", rotation, uses=uses)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """Nothing where that isn't known."""
        self._ask_if_known("end_older_sessions", rotation)

    def _ask_if_known(self, verb: str, rotation: Rotation) -> None:
        try:
            self._ask(verb, rotation)
        except NotSupported:
            return

    def _ask(
        self,
        verb: str,
        rotation: Rotation,
        *,
        candidate: Candidate | None = None,
        uses: Sequence[Use] | None = None,
    ) -> dict[str, Any]:
        sent = protocol.request(verb, rotation, candidate=candidate, uses=uses)
        return self.exchange(verb, sent, rotation)


def _plaintexts(rotation: Rotation) -> Iterator[SecretValue]:
    yield from rotation.known
    if rotation.admin is not None:
        yield rotation.admin


def _scrubbed(found: Preflight, values: tuple[SecretValue, ...]) -> Preflight:
    findings = tuple(
        replace(
            finding,
            message=scrub(finding.message, values),
            remedy=None if finding.remedy is None else scrub(finding.remedy, values),
        )
        for finding in found.findings
    )
    changes = tuple(scrub(change, values) for change in found.changes)
    return replace(found, findings=findings, changes=changes)
