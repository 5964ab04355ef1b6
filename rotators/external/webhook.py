"""The rotator that an endpoint of yours is, declared under `webhooks` in the configuration."""

from typing import Any

from rotator.sdk import Misconfigured, NotSupported, OutcomeUnknown, Rotation, clock
from rotators.external import protocol
from rotators.external.address import origin
from rotators.external.rotator import ExternalRotator

_DEFINITE_NO = frozenset({400, 401, 403, 404, 405, 413, 415})
_UNKNOWN_VERB = 501
_DONE = frozenset({200, 204})


class Webhook(ExternalRotator):
    """Posts a signed request for each verb; the answer is the response's body.

    Args:
        url: of the endpoint.
        key: what requests are signed with.
        timeout: seconds for one request; the rotation's own limit may be shorter.
        issues_value: its target makes the new value.
    """

    name = "webhook"

    def __init__(
        self, *, name: str, url: str, key: str, timeout: float, issues_value: bool = False
    ) -> None:
        super().__init__(name=name, issues_value=issues_value)
        self._shown = origin(url)
        self.summary = f"an endpoint at {self._shown}"  # type: ignore[misc]  # as the name
        self._url = url
        self._key = key
        self._timeout = timeout

    def exchange(self, verb: str, request: bytes, rotation: Rotation) -> dict[str, Any]:
        """What the endpoint answered, or the error that its status stands for."""
        from rotators.external.https import post  # start-up time counts

        deadline = min(rotation.deadline, clock() + self._timeout)
        status, body = post(
            self._url, request, key=self._key, trust=rotation.trust, deadline=deadline
        )
        if status in _DONE:
            return protocol.answer(verb, body)
        if status == _UNKNOWN_VERB:
            raise NotSupported(f"{self._shown} knows no {verb}")
        if status in _DEFINITE_NO:
            raise Misconfigured(
                f"{self._shown} answered {verb} with status {status}",
                hint="check the webhook's url and key in the configuration, and the clocks of both machines",
            )
        if 300 <= status < 400:
            raise Misconfigured(
                f"{self._shown} redirects, and redirects are not followed (status {status})",
                hint="give the webhook's url as it is",
            )
        raise OutcomeUnknown(
            f"{self._shown} answered {verb} with status {status}, which doesn't tell what was done",
            hint="see the endpoint's own log",
        )
