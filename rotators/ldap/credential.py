"""Proof by a bind."""

from dataclasses import replace

from rotator.sdk import Misconfigured, Rotation
from rotators.databases import credential
from rotators.ldap.secret import LdapSecret
from rotators.ldap.session import Session, bind


class Prover(credential.Prover[LdapSecret, Session]):
    """Takes a success for proof only where a random password is refused."""

    def _open(self, secret: LdapSecret, rotation: Rotation) -> Session:
        return bind(secret, rotation)

    def _with_password(self, secret: LdapSecret, password: str) -> LdapSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: LdapSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone bind as "{secret.username}": '
            "a random password is taken, so a login proves nothing",
            hint="is the password checked elsewhere ({SASL}, back-ldap, an overlay)? See the entry's userPassword",
        )
