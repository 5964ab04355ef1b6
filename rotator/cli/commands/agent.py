"""`rotate agent`: secrets for the applications of this machine, over loopback."""

import signal
from typing import Annotated

import typer

from rotator.cli.acts import Acts, stop
from rotator.cli.session import Session


def agent(
    context: typer.Context,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", help="The API; agent.endpoint if not given."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; agent.port if not given."),
    ] = None,
) -> None:
    """Answers applications of this machine with secrets.

    GET http://localhost:2773/secretsmanager/get?secretId=NAME with the token of $AWS_TOKEN in the
    header X-Aws-Parameters-Secrets-Token, as AWS's agent does. It reads through the API, with the
    credentials that AWS's SDKs find, keeps values in memory only, and learns at once when a
    rotation is over. SIGTERM and Ctrl-C end it.
    """
    from rotator.agent.app import Agent
    from rotator.agent.secrets import Secrets
    from rotator.agent.token import read_token
    from rotator.agent.upstream import Upstream
    from rotator.api.serving import ApiServer, listening
    from rotator.telemetry import logger

    session: Session = context.obj
    session.is_service = True
    settings = session.configuration.settings
    given = settings.agent
    token = read_token(session.environ)
    upstream = Upstream(
        endpoint=endpoint or given.endpoint,
        region=given.region,
        default_region=settings.region,
        trust=None if settings.tls.trust is None else str(settings.tls.trust),
    )
    secrets = Secrets(upstream, ttl=given.ttl, stale=given.stale, size=given.cache_size)
    where = given.port if port is None else port
    listener = listening("127.0.0.1", where, setting="agent.port")
    application = Agent(secrets, token=token)
    server = ApiServer(application, listener)
    acts = Acts()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: acts.put(stop))
    secrets.start()
    server.start()
    logger("agent").info("agent.started", url=server.url, endpoint=upstream.endpoint)
    acts.until_stopped()
    secrets.stop()
    server.stop()
    application.close()
