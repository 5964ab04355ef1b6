"""A suite of tests that every rotator passes; authors of plugins subclass it.

    class TestMine(RotatorConformance):
        rotator = Mine

        @pytest.fixture
        def target(self, my_server) -> ConformanceTarget:
            return MyTarget(my_server)

It needs pytest: `pip install rotator-engine[testing]`.
"""

import pytest

pytest.register_assert_rewrite("rotator.testing.conformance.suite")

from rotator.testing.conformance.suite import RotatorConformance  # noqa: E402  # its asserts explain themselves then
from rotator.testing.conformance.target import HOSTILE_NAMES, ConformanceTarget  # noqa: E402

__all__ = ["HOSTILE_NAMES", "ConformanceTarget", "RotatorConformance"]
