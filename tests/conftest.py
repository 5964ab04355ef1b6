"""Fixtures come as plugins, one file for each kind of thing that tests run against."""

import os
import tempfile

from hypothesis import HealthCheck, settings

from tests.support.scratch import scratch_folder

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
    "tests.fix_api",
]

# A busy machine is no failure: how long an example or its making took says nothing about what it did. Where a change is
# judged (CI is set there), the examples are the same every time; elsewhere each run looks at others.
settings.register_profile(
    "rotator",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("rotator")

# Before any worker or server starts: they all look here. A TMPDIR that is set already is the user's choice.
if "TMPDIR" not in os.environ and (_scratch := scratch_folder()) is not None:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_scratch)
