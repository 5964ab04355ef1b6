"""Rotates the password of a PostgreSQL role, 14 to 18.

Only what start-up needs is imported here; psycopg is loaded with the first step.
"""

from rotators.postgresql.alternating_users import AlternatingUsers
from rotators.postgresql.single_user import SingleUser

__all__ = ["AlternatingUsers", "SingleUser"]
