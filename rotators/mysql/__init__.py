"""Rotates the password of a MySQL user: MySQL 8.0.14 and later with two valid passwords, 5.7 and 8.0.0 without.

Only what start-up needs is imported here; PyMySQL is loaded with the first step.
"""

from rotators.mysql.alternating_users import AlternatingUsers
from rotators.mysql.single_user import SingleUser

__all__ = ["AlternatingUsers", "SingleUser"]
