"""The rotator `mariadb-single-user`."""

from rotators.databases.facade import Steps
from rotators.mysql_protocol.secret import MARIADB
from rotators.mysql_protocol.settings import MariadbSettings
from rotators.mysql_protocol.single_user import SingleUserRotator


class SingleUser(SingleUserRotator):
    """Changes the password of one user, who does so itself unless `masterarn` names an admin.

    With an admin the old password stays valid beside the new one until it is retired. A user may give itself one
    password only.
    """

    name = "mariadb-single-user"
    aliases = ("SecretsManagerRDSMariaDBRotationSingleUser",)
    summary = "MariaDB: one user, whose old password stays valid until it is retired"
    product = MARIADB
    settings_model = MariadbSettings

    def _load(self) -> Steps:
        from rotators.mariadb.single_user_steps import MariadbSingleUserSteps

        return MariadbSingleUserSteps()
