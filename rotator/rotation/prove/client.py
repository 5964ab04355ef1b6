"""One client: reads the credential and logs in with it, over and over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rotator.errors import RotatorError
from rotator.manager.results import SecretValueResult
from rotator.rotation.prove.logins import ClientKind, Login, Outcome
from rotator.sdk import NotSupported, Proof, SecretValue, StepError, clock
from rotator.sdk.scrub import scrub

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


class Door(Protocol):
    """What a client logs in by."""

    def prepare(self) -> None:
        """Does what can be done before the credential is read."""
        ...

    def log_in(self, value: SecretValue) -> Proof:
        """One login; raises `StepError`."""
        ...

    def close(self) -> None:
        """Ends what the login left open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    value: SecretValue
    version: str
    at: float


class Client:
    """Logs in until it is told to stop.

    Args:
        hold: seconds for which a HOLDING client uses what it read.
        read: AWSCURRENT, as an application reads it.
        wait: waits for some seconds, or until the client is to stop, and tells whether it is.
    """

    def __init__(
        self,
        *,
        number: int,
        kind: ClientKind,
        hold: float,
        read: Callable[[], SecretValueResult],
        door: Door,
        wait: Callable[[float], bool],
    ) -> None:
        self._number = number
        self._kind = kind
        self._hold = hold if kind is ClientKind.HOLDING else 0.0
        self._read = read
        self._door = door
        self._wait = wait
        self._held: _Held | None = None

    def logins(self) -> Iterator[Login]:
        """Each login as it ended. A failed one is tried again at once, then with growing pauses.

        Who is told to stop right after a failure tries once more: that shows whether reading the secret again heals it.

        Raises:
            NotSupported: the rotator can't log in.
        """
        failed = 0
        while True:
            stop = self._wait(_pause(failed))
            if stop and failed != 1:
                return
            login = self._one()
            failed = 0 if login.outcome is Outcome.ACCEPTED else failed + 1
            if failed or self._kind is ClientKind.FETCHING:
                self._held = None
            yield login

    def _one(self) -> Login:
        self._door.prepare()
        held, waited = self._held, None
        began = clock()
        if held is None or began - held.at >= self._hold:
            try:
                held = self._fetch()
            except RotatorError as error:
                return self._login(None, began, None, Outcome.NO_VALUE, str(error))
            began, waited = held.at, held.at - began
        try:
            outcome, message = self._try(held.value)
            return self._login(held, began, waited, outcome, message)
        finally:
            self._door.close()

    def _fetch(self) -> _Held:
        found = self._read()
        self._held = _Held(value=found.value, version=found.version_id, at=clock())
        return self._held

    def _try(self, value: SecretValue) -> tuple[Outcome, str | None]:
        try:
            proof = self._door.log_in(value)
        except NotSupported:
            raise
        except StepError as error:
            return Outcome.ERROR, scrub(error.message, [value])
        except Exception as error:  # noqa: BLE001  # a plugin's bug keeps its clients out
            return Outcome.ERROR, scrub(f"{type(error).__name__}: {error}", [value])
        return (Outcome.ACCEPTED if proof is Proof.ACCEPTED else Outcome.REFUSED), None

    def _login(
        self,
        held: _Held | None,
        began: float,
        waited: float | None,
        outcome: Outcome,
        message: str | None,
    ) -> Login:
        return Login(
            client=self._number,
            kind=self._kind,
            version=None if held is None else held.version,
            fetched_at=began if held is None else held.at,
            waited=waited,
            began=began,
            ended=clock(),
            outcome=outcome,
            message=message,
        )


def _pause(failed: int) -> float:
    """Seconds before the next login: a broken credential must not be tried without end."""
    return 0.0 if failed < 2 else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failed - 2))
