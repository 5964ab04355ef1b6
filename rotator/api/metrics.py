"""What a monitor sees of the calls of the API, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


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

    def called(self, operation: str, outcome: str, seconds: float) -> None:
        """An operation was called and answered."""
        self._calls.labels(operation, outcome).inc()
        self._seconds.labels(operation).observe(seconds)
