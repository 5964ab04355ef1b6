"""Proof by login, on PostgreSQL."""

from dataclasses import replace

from rotator.sdk import Misconfigured, Rotation
from rotators.databases import credential
from rotators.postgresql.secret import DatabaseSecret
from rotators.postgresql.session import Session, login


class Prover(credential.Prover[DatabaseSecret, Session]):
    """Takes a success for proof only where the server asked for the password."""

    def _open(self, secret: DatabaseSecret, rotation: Rotation) -> Session:
        return login(secret, rotation)

    def _with_password(self, secret: DatabaseSecret, password: str) -> DatabaseSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: DatabaseSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone in as "{secret.username}": '
            "the password is not asked for, or any is taken, so a login proves nothing",
            hint="pg_hba.conf has a line with trust, peer, ident, cert or the like that matches; give "
            "the user one with scram-sha-256: SELECT * FROM pg_hba_file_rules",
        )
