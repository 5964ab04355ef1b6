"""Those who pass notices on without packaging: a program of yours, or an HTTPS endpoint of yours."""

from collections.abc import Sequence

from rotator.sdk import Misconfigured, Notice, OutcomeUnknown, clock
from rotators.external import permissions
from rotators.external.address import origin
from rotators.external.protocol import ExternalBug
from rotators.external.surroundings import passed_on


class CommandNotifier:
    """Runs a program with the notice, as JSON, on its standard input. Exit code 0: it was passed on.

    Args:
        argv: the program's absolute path and its arguments.
        timeout: seconds for one run.
        environment: names of variables that it gets besides a few that every program needs.
    """

    def __init__(self, *, argv: Sequence[str], timeout: float, environment: Sequence[str]) -> None:
        self._argv = tuple(argv)
        self._timeout = timeout
        self._environment = tuple(environment)

    def notify(self, notice: Notice, *, deadline: float) -> None:
        """See `Notifier`."""
        from rotators.external.program import run

        permissions.check(self._argv)
        try:
            ended = run(
                self._argv,
                notice.to_json(),
                environment=passed_on(self._environment),
                deadline=min(deadline, clock() + self._timeout),
            )
        except ExternalBug as error:
            raise OutcomeUnknown(str(error)) from None
        if ended.code != 0:
            raise OutcomeUnknown(f"{self._argv[0]} ended with exit code {ended.code}")


class WebhookNotifier:
    """Posts the notice, as JSON, signed as requests to rotators are. A status from 200 to 299: it was passed on.

    Args:
        url: of the endpoint.
        key: what requests are signed with.
        timeout: seconds for one request.
        trust: a CA bundle, None for the system's.
    """

    def __init__(self, *, url: str, key: str, timeout: float, trust: str | None) -> None:
        self._url = url
        self._key = key
        self._timeout = timeout
        self._trust = trust

    def notify(self, notice: Notice, *, deadline: float) -> None:
        """See `Notifier`."""
        from rotators.external.https import post

        until = min(deadline, clock() + self._timeout)
        body = notice.to_json()
        try:
            status, _ = post(self._url, body, key=self._key, trust=self._trust, deadline=until)
        except ExternalBug as error:
            raise OutcomeUnknown(str(error)) from None
        if not 200 <= status < 300:
            raise Misconfigured(f"{origin(self._url)} answered with status {status}")
