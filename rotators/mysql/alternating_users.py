"""The rotator `mysql-alternating-users`."""

from rotators.databases.facade import SessionTellingSteps
from rotators.mysql_protocol.alternating_users import AlternatingUsersRotator
from rotators.mysql_protocol.secret import MYSQL


class AlternatingUsers(AlternatingUsersRotator):
    """Two users take turns: the secret's user and its clone, which holds what the original holds.

    The old user and its password stay as they are until the next rotation, unless a grace period is set: then the old
    user gets a password that nobody knows when that is over. The admin secret, which `masterarn` or the
    rotation's settings name, makes the clone, has it follow the original, and sets the passwords.
    """

    name = "mysql-alternating-users"
    aliases = ("SecretsManagerRDSMySQLRotationMultiUser",)
    summary = "MySQL: two users take turns, so that the old login stays valid"
    product = MYSQL

    def _load(self) -> SessionTellingSteps:
        from rotators.mysql.alternating_users_steps import MysqlAlternatingUsersSteps

        return MysqlAlternatingUsersSteps()
