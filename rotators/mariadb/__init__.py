"""Rotates the password of a MariaDB user, MariaDB 10.4 and later.

Only what start-up needs is imported here; PyMySQL is loaded with the first step.
"""

from rotators.mariadb.alternating_users import AlternatingUsers
from rotators.mariadb.single_user import SingleUser

__all__ = ["AlternatingUsers", "SingleUser"]
