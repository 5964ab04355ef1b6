"""GetSecretValue, with the read barrier."""

import time
from collections.abc import Callable

from rotator.errors import RotatorError
from rotator.manager.looking import EVENT, MOST_LOOKS, Look, Looked, ValueRead, too_slow
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller, CallerKind
from rotator.model.rotation import FRESH
from rotator.store import secrets
from rotator.store.secrets import Barrier
from rotator.store.store import Tx
from rotator.store.values import ValueRow

POLL = 0.02
"""Seconds between two looks at a raised barrier."""


class Reading(Operations):
    """How values are read."""

    def get_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        version_id: str | None = None,
        version_stage: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> SecretValueResult:
        """The value of a version, AWSCURRENT where none is named; waits while the read barrier is raised.

        Args:
            sleep: called between two looks at the barrier, while no transaction is open.

        Raises:
            ResourceNotFound: no such secret or version, or the version has no value.
            ValidationError: a parameter is out of its limits.
            InvalidRequest: the secret is marked for deletion, or the label is on another version.
            DecryptionFailure: the row was altered; it names secret and version.
            StoreUnavailable: the read can't be recorded, so no value is given.
        """
        while True:
            outcome = self.read_secret_value(
                caller=caller,
                request_id=request_id,
                secret_id=secret_id,
                version_id=version_id,
                version_stage=version_stage,
            )
            if isinstance(outcome, SecretValueResult):
                return outcome
            remaining = outcome.seconds
            while remaining > 0:
                sleep(min(POLL, remaining))
                remaining = self.barrier_remaining(outcome)

    @audited(EVENT)
    def read_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        version_id: str | None = None,
        version_stage: str | None = None,
    ) -> SecretValueResult | Delayed:
        """What `get_secret_value` gives, or how long it has to wait; never waits itself.

        The barrier holds back reads of AWSCURRENT by everyone but the engine, which raised it, and the function of the
        same rotation.
        """
        look = Look.of(
            ValueRead(
                caller=caller,
                request_id=request_id,
                secret_id=secret_id,
                version_id=version_id,
                version_stage=version_stage,
            )
        )
        looked = self._look_with_others(look) if self.reads_together else self._look_at(look)
        return self._fresh(look, looked)

    @property
    def reads_together(self) -> bool:
        """Whether one thread had better read for many: no network is between it and the values."""
        return self._store.looks_together and self._sealer.opens_at_once

    def _fresh(self, look: Look, looked: Looked | Delayed) -> SecretValueResult | Delayed:
        """The value as it was just now: what it took too long to record is looked at anew.

        Raises:
            StoreUnavailable: it took too long each time.
        """
        for _ in range(MOST_LOOKS):
            if isinstance(looked, Delayed):
                return looked
            if self._clock() - looked.at <= FRESH:
                return looked.result()
            looked = self._look_at(look, audited=looked)
        raise too_slow()

    def _look_with_others(self, look: Look) -> Looked | Delayed:
        """Looks a value up, opens and records it, in a transaction that is shared with other threads' reads."""
        began = self._sealer.moment()
        unopened: ValueRow | None = None

        def act(tx: Tx) -> Looked | Delayed:
            nonlocal unopened
            at = self._clock()
            found = look.find(tx)
            if isinstance(found, Delayed):
                return found
            version = look.version_of(found)
            unopened = found
            value = self._value_of(found, version, since=began)
            unopened = None
            looked = Looked(at, found, version, value)
            tx.record(looked.entry(look))
            tx.accesses.append(looked.access())
            return looked

        try:
            return self._store.look_with_others(act)
        except RotatorError as error:
            if unopened is not None and unopened.version is not None:
                look.call.ended_with(
                    error,
                    self._store,
                    secret_arn=unopened.arn,
                    version_id=unopened.version.version_id,
                )
            raise

    def _look_at(self, look: Look, *, audited: Looked | None = None) -> Looked | Delayed:
        """Looks a value up, opens it outside of every transaction, and records it.

        Args:
            audited: what has been opened and recorded before, which is not done again where it is still the value.
        """
        at, began = self._clock(), self._sealer.moment()
        judged = look.call.caller.kind is CallerKind.PRINCIPAL
        with self._store.read() if judged else self._store.glance() as tx:
            found = look.find(tx)
        if isinstance(found, Delayed):
            return found
        version = look.version_of(found)
        if audited is not None and version.sealed == audited.version.sealed:
            return Looked(at, found, version, audited.value)
        value = self._open(look.call, found, version, since=began)
        looked = Looked(at, found, version, value)
        self._store.record(looked.entry(look), accesses=[looked.access()])
        return looked

    def barrier_remaining(self, delayed: Delayed) -> float:
        """Seconds until the barrier that delayed a read falls at the latest, 0 where it has fallen."""
        with self._store.read() as tx:
            return _remaining(secrets.barrier(tx, delayed.row), tx)


def _remaining(barrier: Barrier | None, tx: Tx) -> float:
    return 0.0 if barrier is None else barrier.remaining(tx.now)
