"""What a monitor sees of the calls of the API, as Prometheus reads it.

Processes that share an address count together, since whichever is asked answers: they write to files of one folder,
which `SHARED` names in their environment before they begin (prometheus_client's multiprocess mode). What a process
counted that has ended is counted still.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that has prometheus_client count in files, where it is set as that is imported."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def text_of_all(folder: str) -> bytes:
    """What all processes counted that share a folder, in Prometheus' text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class CallMetrics:
    """Calls by operation and outcome. No label names a secret or a caller, and none has values without end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "rotator_api_calls",
            "Calls that were answered, by operation and outcome: ok, or the code of the error.",
            ["operation", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "rotator_api_call_seconds",
            "From the moment a thread has a call to its answer, waits for read barriers included.",
            ["operation"],
            buckets=_BUCKETS,
            registry=registry,
        )
        # A metric looks its labels' values up under a lock; there are few of them.
        self._calls_of = cache(self._calls.labels)
        self._seconds_of = cache(self._seconds.labels)

    def called(self, operation: str, outcome: str, seconds: float) -> None:
        """An operation was called and answered."""
        self._calls_of(operation, outcome).inc()
        self._seconds_of(operation).observe(seconds)
