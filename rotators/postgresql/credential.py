"""Proof by login, on PostgreSQL."""

from dataclasses import replace

from rotator.sdk import Misconfigured, Rotation
from rotators.databases import credential
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.session import Session, login


class Prover(credential.Prover[DatabaseSecret, Session]):
    """Takes a success for proof only where the server asked for the password.

    Attributes:
        opened: the server's numbers of the sessions that it opened; one that was closed is seen there a moment longer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.opened: set[int] = set()

    def _open(self, secret: DatabaseSecret, rotation: Rotation) -> Session:
        session = login(secret, rotation)
        self.opened.add(session.info.backend_pid)
        return session

    def _with_password(self, secret: DatabaseSecret, password: str) -> DatabaseSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: DatabaseSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone in as "{secret.username}": '
            "the password is not asked for, or any is taken, so a login proves nothing",
            hint="pg_hba.conf has a line with trust, peer, ident, cert or the like that matches; give "
            "the user one with scram-sha-256: SELECT * FROM pg_hba_file_rules",
        )
