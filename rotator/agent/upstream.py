"""Calls of the API from the agent: signed with the credentials that AWS's SDKs would find, answers as they come."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, SSLError
from botocore.httpsession import URLLib3Session
from botocore.session import Session

from rotator.agent.cache import Key
from rotator.errors import ConfigurationError

_SERVICE: Final = "secretsmanager"
_JSON: Final = "application/x-amz-json-1.1"
CHANGES: Final = "/v1/changes"
_OK, _CLIENT, _SERVER = 200, 400, 500
CONNECT_LIMIT: Final = 5.0
READ_LIMIT: Final = 10.0
WAIT: Final = 20.0
"""Seconds that a poll for changes is answered after, at the latest."""


class ServerAway(Exception):  # as the house names them
    """The API can't be reached, or can't answer now."""


class Refused(Exception):  # likewise
    """The API refuses what was asked.

    Attributes:
        body: its answer.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class Upstream:
    """One API.

    Args:
        endpoint: its address; None for the one that the SDKs' configuration names, AWS's own without one.
        region: None for the one that the SDKs' configuration names, else `default_region`.
        trust: a PEM file with the authorities of its certificate; None for what the SDKs' configuration names
            (`AWS_CA_BUNDLE`), else those that the SDKs bring along.

    Raises:
        ConfigurationError: there is no such endpoint, or no such file.
    """

    def __init__(
        self,
        *,
        endpoint: str | None,
        region: str | None,
        default_region: str,
        trust: str | None = None,
    ) -> None:
        self._session = Session()
        # Botocore itself knows AWS_DEFAULT_REGION only; all other SDKs look at AWS_REGION first.
        configured = os.environ.get("AWS_REGION") or self._session.get_config_variable("region")
        self._region: str = region or configured or default_region
        try:
            client = self._session.create_client(
                _SERVICE, region_name=self._region, endpoint_url=endpoint
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(f"agent.endpoint: {error}") from None
        self.endpoint: str = client.meta.endpoint_url.rstrip("/")
        if urlsplit(self.endpoint).scheme not in {"http", "https"}:
            raise ConfigurationError(f"agent.endpoint: {self.endpoint} is no address of an API.")
        bundle: str | None = trust or self._session.get_config_variable("ca_bundle")
        if bundle is not None and not Path(bundle).is_file():
            raise ConfigurationError(
                f"There is no file {bundle} with certificate authorities. Correct tls.trust or AWS_CA_BUNDLE."
            )
        shared = {"verify": bundle or True, "max_pool_connections": 50}
        self._quick = URLLib3Session(timeout=(CONNECT_LIMIT, READ_LIMIT), **shared)
        self._patient = URLLib3Session(timeout=(CONNECT_LIMIT, WAIT + READ_LIMIT), **shared)

    def get(self, key: Key) -> bytes:
        """What GetSecretValue answers.

        Raises:
            Refused: with the API's answer.
            ServerAway: it didn't answer.
        """
        asked = {
            "SecretId": key.secret_id,
            "VersionId": key.version_id,
            "VersionStage": key.version_stage,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return self._call(self._quick, "/", given, target="secretsmanager.GetSecretValue")

    def changed(self, known: Mapping[str, str], *, wait: float = WAIT) -> list[str]:
        """Those of the secrets whose current version is another one than is known; waits for the first.

        Raises:
            Refused: there is no such call on this API, or it may not be made.
            ServerAway: it didn't answer.
        """
        given = {"Secrets": known, "WaitSeconds": wait}
        answer = json.loads(self._call(self._patient, CHANGES, given, target=None))
        return [str(name) for name in answer["Changed"]]

    def close(self) -> None:
        """Ends its connections."""
        self._quick.close()
        self._patient.close()

    def _call(
        self, http: URLLib3Session, path: str, given: Mapping[str, Any], *, target: str | None
    ) -> bytes:
        credentials = self._credentials()
        headers = {"Content-Type": _JSON, "User-Agent": "rotator-agent"}
        if target is not None:
            headers["X-Amz-Target"] = target
        request = AWSRequest(
            method="POST",
            url=self.endpoint + path,
            data=json.dumps(given).encode(),
            headers=headers,
        )
        SigV4Auth(credentials, _SERVICE, self._region).add_auth(request)
        try:
            answer = http.send(request.prepare())
            status, body = answer.status_code, bytes(answer.content)
        except SSLError:
            raise ServerAway(
                f"{self.endpoint}: its certificate is not trusted, or it speaks no TLS; tls.trust and AWS_CA_BUNDLE "
                "name authorities"
            ) from None
        except (BotoCoreError, OSError) as error:
            raise ServerAway(f"{self.endpoint}: {type(error).__name__}") from None
        if status == _OK:
            return body
        if status >= _SERVER or _is_throttled(body):
            raise ServerAway(f"{self.endpoint} answers {status}")
        raise Refused(status, body)

    def _credentials(self) -> Any:
        try:
            found = self._session.get_credentials()
            frozen = None if found is None else found.get_frozen_credentials()
        except BotoCoreError as error:
            raise ServerAway(f"no credentials can be had: {type(error).__name__}") from None
        if frozen is None or frozen.access_key is None:
            raise ServerAway(
                "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return frozen


def _is_throttled(body: bytes) -> bool:
    return b"ThrottlingException" in body
