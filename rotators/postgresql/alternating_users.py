"""The rotator `postgresql-alternating-users`."""

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import SessionTellingRotator, SessionTellingSteps
from rotators.databases.passwords import new_value
from rotators.postgresql.secret import other_user, parse, user_pair


class AlternatingUsers(SessionTellingRotator):
    """Two roles take turns: the secret's user and its clone, whose sessions act as the original.

    The old user and its password stay as they are until the next rotation, unless a grace period is
    set: then the old user's password is disabled when that is over. The admin secret, which
    `masterarn` or the rotation's settings name, makes the clone and sets the passwords.
    """

    name = "postgresql-alternating-users"
    aliases = ("SecretsManagerRDSPostgreSQLRotationMultiUser",)
    summary = "PostgreSQL: two roles take turns, so that the old login stays valid"
    overlap = Overlap.ALTERNATING

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = parse(value)
        return Authority(
            host=secret.host,
            port=secret.port,
            admin=secret.masterarn,
            users=user_pair(secret.username),
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON with a new password for the other user."""
        current = rotation.current
        username = other_user(parse(current).username)
        return new_value(current, username=username, password=rotation.random_password())

    def _load(self) -> SessionTellingSteps:
        from rotators.postgresql.alternating_users_steps import AlternatingUsersSteps

        return AlternatingUsersSteps()
