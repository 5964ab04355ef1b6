"""Proof by login, on MySQL and MariaDB."""

from dataclasses import replace

from rotator.sdk import Misconfigured, Rotation
from rotators.databases import credential
from rotators.mysql_protocol.secret import MysqlSecret
from rotators.mysql_protocol.session import Session, login


class Prover(credential.Prover[MysqlSecret, Session]):
    """Takes a success for proof only where a random password is refused."""

    def _open(self, secret: MysqlSecret, rotation: Rotation) -> Session:
        return login(secret, rotation)

    def _with_password(self, secret: MysqlSecret, password: str) -> MysqlSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: MysqlSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone in as "{secret.username}": '
            "a random password is taken, so a login proves nothing",
            hint="does it run with skip_grant_tables, or is the account authenticated by something else? "
            "SELECT user, host, plugin FROM mysql.user",
        )
