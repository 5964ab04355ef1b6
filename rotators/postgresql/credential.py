"""Proof that the server takes a credential, and only that one."""

import secrets
from dataclasses import dataclass, field, replace

from rotator.sdk import LoginRefused, Misconfigured, Proof, Rotation
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.session import Session, login


@dataclass(slots=True)
class Prover:
    """Logs in with credentials and takes a success for proof only where a wrong password fails.

    A refusal is remembered and a random password is tried once for each user, since failures may count towards a
    lockout. Whoever learns that a password may have changed has it `forget`.
    """

    _discerning: set[str] = field(default_factory=set)
    _refusals: dict[DatabaseSecret, LoginRefused] = field(default_factory=dict)

    def log_in(self, secret: DatabaseSecret, rotation: Rotation) -> Session:
        """A session that was opened by password.

        Raises:
            LoginRefused: the server refused the credential, just now or before.
            Misconfigured: it asked for no password.
            StepError: any other failure of the login, by its class.

        """
        if secret in self._refusals:
            raise self._refusals[secret]
        try:
            session = login(secret, rotation)
        except LoginRefused as refusal:
            self._refusals[secret] = refusal
            self._discerning.add(secret.username)
            raise
        if not session.password_asked:
            session.close()
            raise _lets_anyone_in(secret)
        return session

    def refused(self, secret: DatabaseSecret, rotation: Rotation) -> bool:
        """Whether the server refuses the credential.

        Raises:
            Misconfigured: it asked for no password.
            StepError: the login failed for another reason, which proves nothing.

        """
        try:
            self.log_in(secret, rotation).close()
        except LoginRefused:
            return True
        return False

    def forget(self) -> None:
        """What was refused may be accepted from now on."""
        self._refusals.clear()

    def insist_on_password(self, secret: DatabaseSecret, rotation: Rotation) -> None:
        """Make sure that the server refuses a random password of the same user.

        Raises:
            Misconfigured: it lets anyone in.

        """
        if secret.username in self._discerning:
            return
        random = replace(secret, password=secrets.token_urlsafe(24))
        if not self.refused(random, rotation):
            raise _lets_anyone_in(secret)

    def prove(self, secret: DatabaseSecret, rotation: Rotation) -> Proof:
        """Whether the server accepts the credential for what it is."""
        if self.refused(secret, rotation):
            return Proof.REFUSED
        self.insist_on_password(secret, rotation)
        return Proof.ACCEPTED


def _lets_anyone_in(secret: DatabaseSecret) -> Misconfigured:
    return Misconfigured(
        f'the server at {secret.address} lets anyone in as "{secret.username}": '
        "the password is not asked for, or any is taken, so a login proves nothing",
        hint="pg_hba.conf has a line with trust, peer, ident, cert or the like that matches; give "
        "the user one with scram-sha-256: SELECT * FROM pg_hba_file_rules",
    )
