"""The settings of the local agent. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What `rotate agent` does. Times in seconds.

    Attributes:
        port: where it listens, on 127.0.0.1 only.
        endpoint: the API that it reads from; where AWS's SDKs would look if not given.
        region: of the secrets; as AWS's SDKs find it if not given, else the setting `region`.
        ttl: how long a value is given out without asking the API; 0: it is asked each time.
        stale: how long beyond that, while the API is away.
        cache_size: answers that are kept.
    """

    port: int = field(default=2773, metadata={"low": 0, "high": 65535})
    endpoint: str | None = None
    region: str | None = None
    ttl: float = field(default=300.0, metadata={"low": 0.0, "high": 3600.0})
    stale: float = field(default=900.0, metadata={"low": 0.0, "high": 86400.0})
    cache_size: int = field(default=1000, metadata={"low": 1, "high": 1000})
