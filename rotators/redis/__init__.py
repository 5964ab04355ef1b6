"""Rotators of Redis and Valkey users.

Sources: the documentation of Redis, "ACL", "Redis configuration", and of the commands that are named here.
"""

from rotators.redis.rotator import RedisAcl, ValkeyAcl

__all__ = ["RedisAcl", "ValkeyAcl"]
