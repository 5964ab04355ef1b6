"""The rotator `mysql-single-user`."""

from rotators.databases.facade import Steps
from rotators.mysql_protocol.secret import MYSQL
from rotators.mysql_protocol.single_user import SingleUserRotator


class SingleUser(SingleUserRotator):
    """Changes the password of one user, who does so itself unless `masterarn` names an admin.

    The old password stays valid beside the new one until it is retired, where privileges allow it.
    """

    name = "mysql-single-user"
    aliases = ("SecretsManagerRDSMySQLRotationSingleUser",)
    summary = "MySQL: one user, whose old password stays valid until it is retired"
    product = MYSQL

    def _load(self) -> Steps:
        from rotators.mysql.single_user_steps import MysqlSingleUserSteps

        return MysqlSingleUserSteps()
