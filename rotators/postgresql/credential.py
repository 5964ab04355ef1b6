"""Proof by login, on PostgreSQL."""

from contextlib import suppress
from dataclasses import replace

from rotator.sdk import LoginRefused, Misconfigured, Rotation, StepError, TargetBusy
from rotators.databases import credential
from rotators.postgresql.login import Login, begin, log_in
from rotators.postgresql.scram import Keys
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.session import Session


class Prover(credential.Prover[DatabaseSecret, Session]):
    """Takes a success for proof only where the server asked for the password.

    Attributes:
        opened: the server's numbers of the sessions that it opened; one that was closed is seen there a moment longer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.opened: set[int] = set()
        self._begun: Login | None = None
        self._given: tuple[DatabaseSecret, Keys] | None = None

    def was_given(self, secret: DatabaseSecret, keys: Keys) -> None:
        """The server was given the verifier of the secret's password that has these keys."""
        self._given = (secret, keys)

    def begin(self, secret: DatabaseSecret, rotation: Rotation) -> None:
        """A login goes on beside the next one, until `refused` asks for its end or it is given up."""
        self.give_up_begun()
        if not self.knows_refused(secret):
            with suppress(StepError):  # whoever asks for its end learns why
                self._begun = begin(secret, rotation)

    def give_up_begun(self) -> None:
        """Ends the login that was begun and that nobody has asked for."""
        if self._begun is not None:
            self._begun.close()
            self._begun = None

    def _open(self, secret: DatabaseSecret, rotation: Rotation) -> Session:
        session = self._end_of_begun(secret) or self._by_keys(secret, rotation)
        session = session or self._beside_begun(secret, rotation, None)
        self.opened.add(session.pgconn.backend_pid)
        return session

    def _end_of_begun(self, secret: DatabaseSecret) -> Session | None:
        """The session, None where this login was not begun, or might do better alone."""
        if self._begun is None or self._begun.secret != secret:
            return None
        begun, self._begun = self._begun, None
        try:
            return begun.finish()
        except LoginRefused:
            raise
        except StepError:
            return None

    def _by_keys(self, secret: DatabaseSecret, rotation: Rotation) -> Session | None:
        """The session, None where it is not known which verifier the server has, or it has another."""
        if self._given is None or self._given[0] != secret:
            return None
        keys, self._given = self._given[1], None
        try:
            return self._beside_begun(secret, rotation, keys)
        except LoginRefused:
            return None

    def _beside_begun(
        self, secret: DatabaseSecret, rotation: Rotation, keys: Keys | None
    ) -> Session:
        try:
            return log_in(secret, rotation, keys=keys, beside=self._begun)
        except TargetBusy:
            if self._begun is None:
                raise
            # It may have taken the last connection.
            begun, self._begun = self._begun, None
            with suppress(StepError):
                begun.finish().close()
            return log_in(secret, rotation, keys=keys)

    def _with_password(self, secret: DatabaseSecret, password: str) -> DatabaseSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: DatabaseSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone in as "{secret.username}": '
            "the password is not asked for, or any is taken, so a login proves nothing",
            hint="pg_hba.conf has a line with trust, peer, ident, cert or the like that matches; give "
            "the user one with scram-sha-256: SELECT * FROM pg_hba_file_rules",
        )
