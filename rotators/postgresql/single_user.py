"""The rotator `postgresql-single-user`."""

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import SessionTellingRotator, SessionTellingSteps
from rotators.databases.passwords import new_value
from rotators.postgresql.secret import parse


class SingleUser(SessionTellingRotator):
    """Changes the password of one role, which does so itself unless `masterarn` names an admin.

    A PostgreSQL role has one password: the old one is refused from the moment the new one is set.
    """

    name = "postgresql-single-user"
    aliases = ("SecretsManagerRDSPostgreSQLRotationSingleUser",)
    summary = "PostgreSQL: one role, whose password changes in place"
    overlap = Overlap.GAP

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = parse(value)
        return Authority(
            host=secret.host, port=secret.port, admin=secret.masterarn, users=(secret.username,)
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON with a new password."""
        current = rotation.current
        username = parse(current).username
        return new_value(current, username=username, password=rotation.random_password())

    def _load(self) -> SessionTellingSteps:
        from rotators.postgresql.single_user_steps import SingleUserSteps

        return SingleUserSteps()
