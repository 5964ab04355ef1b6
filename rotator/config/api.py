"""The settings of the API. Pure."""

from dataclasses import dataclass, field
from pathlib import Path

from rotator.errors import ConfigurationError

_SECONDS = {"low": 0.1, "high": 3600.0}
_RATE = {"low": 0.0, "high": 1_000_000.0}
_MANY = {"low": 1, "high": 100_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTlsSettings:
    """How the API proves who it is; plaintext where there is neither.

    Attributes:
        certificate: a PEM file with the certificate and its chain.
        key: a PEM file with its private key, without a password.
    """

    certificate: Path | None = None
    key: Path | None = None

    @property
    def files(self) -> tuple[Path, Path] | None:
        """Certificate and key; None for plaintext."""
        if self.certificate is None or self.key is None:
            return None
        return self.certificate, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """How the API is served. Counts and rates are those of one process; times are in seconds.

    Attributes:
        plaintext_beyond_loopback: calls are answered without TLS on an address that other machines reach.
        threads: calls that are at the store at once.
        connections: open at once.
        connections_per_address: of them from one address.
        request_time: for a request to come in, and for a TLS handshake.
        idle_time: that a connection stays open after an answer.
        calls_per_second: calls that are answered; 0 for any number.
        calls_per_second_of_principal: of them those of one principal; 0 for any number.
        refusals_per_second_of_address: requests from one address that nobody is known by; 0 for any number.
    """

    tls: ApiTlsSettings = field(default_factory=ApiTlsSettings)
    plaintext_beyond_loopback: bool = False
    threads: int = field(default=16, metadata={"low": 1, "high": 256})
    connections: int = field(default=1000, metadata=_MANY)
    connections_per_address: int = field(default=500, metadata=_MANY)
    request_time: float = field(default=10.0, metadata=_SECONDS)
    idle_time: float = field(default=65.0, metadata=_SECONDS)
    calls_per_second: float = field(default=10_000.0, metadata=_RATE)
    calls_per_second_of_principal: float = field(default=10_000.0, metadata=_RATE)
    refusals_per_second_of_address: float = field(default=20.0, metadata=_RATE)


def check_tls(given: ApiTlsSettings) -> None:
    """Nothing, where certificate and key are both named, or neither.

    Raises:
        ConfigurationError: only one is.
    """
    if (given.certificate is None) != (given.key is None):
        raise ConfigurationError(
            "api.tls.certificate and api.tls.key belong together, and only one of them is set. Name both, or neither."
        )
