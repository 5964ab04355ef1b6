"""Fixtures come as plugins, one file for each kind of thing that tests run against."""

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_mysql",
    "tests.fix_redis",
    "tests.fix_ldap",
    "tests.fix_rabbitmq",
    "tests.fix_proxy",
    "tests.fix_store",
    "tests.fix_house",
    "tests.fix_faults",
]

# A busy machine is no failure: how long an example took says nothing about what it did.
settings.register_profile(
    "rotator", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("rotator")
