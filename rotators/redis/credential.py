"""Proof by login, on Redis and Valkey."""

from dataclasses import replace

from rotator.sdk import Misconfigured, Rotation
from rotators.databases import credential
from rotators.redis.secret import RedisSecret
from rotators.redis.session import Session, login
from rotators.redis.settings import RedisSettings


class Prover(credential.Prover[RedisSecret, Session]):
    """Takes a success on one node for proof only where that node refuses a random password."""

    def __init__(self, settings: RedisSettings) -> None:
        super().__init__()
        self._settings = settings

    def _open(self, secret: RedisSecret, rotation: Rotation) -> Session:
        return login(secret, rotation, self._settings)

    def _with_password(self, secret: RedisSecret, password: str) -> RedisSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: RedisSecret) -> Misconfigured:
        return Misconfigured(
            f'the server at {secret.address} lets anyone in as "{secret.username}": '
            "a random password is taken, so a login proves nothing",
            hint=f"does the user have nopass? ACL GETUSER {secret.username}; "
            f"ACL SETUSER {secret.username} resetpass #<SHA-256 of the password>",
        )
