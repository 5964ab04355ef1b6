"""A rotator as the engine calls it: whatever it raises or answers comes out as one of the SDK's errors or answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from rotator.rotation.answers import NoAnswer, Nonsense, PluginBug, checked
from rotator.rotation.telling import told
from rotator.sdk import (
    Authority,
    Candidate,
    Finding,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    StepError,
    Use,
)
from rotator.sdk.log import HeldLog

_UNKNOWN_VALUE = "it may hold the new value, which is not known yet and so can't be blanked"
_REPORT = "report it to the rotator's author"


class GuardedRotator(Rotator):
    """Passes every verb on, and takes the secrets out of what comes back.

    Args:
        quotes: what preflight finds may quote values too. The house's own rotators don't do that, and looking for
            values takes a while.
        discreet: what it says of a createSecret that failed holds no value either: the words are the house's own.
    """

    def __init__(self, inner: Rotator, *, quotes: bool, discreet: bool = False) -> None:
        self._inner = inner
        self._discreet = discreet
        self._quotes = quotes
        for name in (
            "name",
            "aliases",
            "summary",
            "overlap",
            "settings_model",
            "can_probe",
            "can_revert",
        ):
            setattr(self, name, getattr(inner, name))

    @property
    def issues_value(self) -> bool:  # type: ignore[override]  # a rotator's own process has to be asked
        """Whether the target makes the new value."""
        return self._inner.issues_value

    def check_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: D102  # the interface describes the verbs
        answer: dict[str, Any] = self._call("check_settings", (given,), ())
        return answer

    def claims(self, value: SecretValue) -> Authority:  # noqa: D102
        answer: Authority = self._call("claims", (value,), (value,))
        return answer

    def preflight(self, rotation: Rotation) -> Preflight:  # noqa: D102
        found: Preflight = self._verb("preflight", rotation)
        if not self._quotes:
            return found
        values = _plaintexts(rotation)
        return replace(
            found,
            findings=tuple(_clean(finding, values) for finding in found.findings),
            changes=tuple(told(change, values) for change in found.changes),
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:  # noqa: D102
        log = HeldLog(rotation.sink)
        try:
            value: SecretValue = self._verb("create_secret", replace(rotation, sink=log))
        except StepError as error:
            log.drop(_UNKNOWN_VALUE)
            house = self._discreet or isinstance(error, PluginBug | NoAnswer)
            if house or not self._inner.issues_value:
                raise
            error.message = (
                f"the rotator {self.name} failed in create_secret with {type(error).__name__}"
            )
            error.hint = f"what it says of it is not told: {_UNKNOWN_VALUE}"
            error.args = (error.message,)
            raise error.with_traceback(None) from None
        log.release(value)
        if value == rotation.values.get(Candidate.CURRENT):
            self._bug("answered create_secret with the current value instead of a new one")
        return value

    def set_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("set_secret", rotation)

    def test_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("test_secret", rotation)

    def finish_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("finish_secret", rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:  # noqa: D102
        proof: Proof = self._verb("probe", rotation, candidate)
        return proof

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:  # noqa: D102
        proof: Proof = self._verb("log_in", rotation, candidate)
        return proof

    def revert_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("revert_secret", rotation)

    def retire_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("retire_secret", rotation)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:  # noqa: D102
        uses: tuple[Use, ...] = self._verb("in_use", rotation)
        values = _plaintexts(rotation)
        return tuple(
            Use(
                user=told(use.user, values),
                client=told(use.client, values),
                detail=told(use.detail, values),
            )
            for use in uses
        )

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:  # noqa: D102
        self._verb("end_use", rotation, uses)

    def end_older_sessions(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("end_older_sessions", rotation)

    def close(self) -> None:
        """Ends what the rotator holds open. What fails in that is of no more use to anybody."""
        try:
            self._inner.close()
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            del error

    def _verb(self, verb: str, rotation: Rotation, *more: object) -> Any:
        return self._call(verb, (rotation, *more), _plaintexts(rotation))

    def _call(self, verb: str, arguments: Iterable[Any], values: Sequence[SecretValue]) -> Any:
        try:
            return checked(verb, getattr(self._inner, verb)(*arguments))
        except StepError as error:
            error.message = told(error.message, values)
            error.hint = None if error.hint is None else told(error.hint, values)
            error.args = (error.message,)
            raise error.with_traceback(None) from None  # the frames hold values
        except Nonsense as nonsense:
            self._bug(str(nonsense))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
            # Nobody knows yet what would have to be blanked of a value that is being made.
            said = "" if verb == "create_secret" else f": {told(error, values)}"
            self._bug(f"failed in {verb} with {type(error).__name__}{said}")

    def _bug(self, what: str) -> NoReturn:
        raise PluginBug(f"the rotator {self.name} {what}", hint=_REPORT) from None


def _plaintexts(rotation: Rotation) -> list[SecretValue]:
    """What the rotator knows and must not tell."""
    return [*rotation.known, *([rotation.admin] if rotation.admin else [])]


def _clean(finding: Finding, values: Sequence[SecretValue]) -> Finding:
    return replace(
        finding,
        message=told(finding.message, values),
        remedy=None if finding.remedy is None else told(finding.remedy, values),
    )
