"""A server that speaks the API of AWS KMS: moto's, which also refuses what is asked of a disabled key, as AWS does."""

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

REGION = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
"""moto looks at no signature."""

_Environ = dict[str, Any]
_Respond = Callable[..., Any]
_USES = frozenset({"TrentService.Encrypt", "TrentService.Decrypt"})
_ACCOUNT = "HTTP_X_MOTO_ACCOUNT_ID"


class _AsAws:
    """What moto does otherwise: it lets disabled keys be used, and looks for keys in the caller's account alone."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.disabled: set[str] = set()

    def __call__(self, environ: _Environ, respond: _Respond) -> Iterable[bytes]:
        request = Request(environ)
        asked = json.loads(request.get_data(cache=True) or b"{}")
        environ["wsgi.input"] = io.BytesIO(request.get_data())
        key = asked.get("KeyId", "")
        if key.startswith("arn:"):
            environ[_ACCOUNT] = key.split(":")[4]
        if request.headers.get("X-Amz-Target") in _USES and key in self.disabled:
            body = {"__type": "DisabledException", "message": f"{key} is disabled."}
            refusal = Response(
                json.dumps(body), status=400, content_type="application/x-amz-json-1.1"
            )
            return refusal(environ, respond)
        answer: Iterable[bytes] = self._application(environ, respond)
        return answer


class KmsServer:
    """A running server, and its keys as their owner sees them."""

    def __init__(self, url: str, refusing: _AsAws) -> None:
        self.url = url
        self._refusing = refusing
        self._owner = _client(url)

    def new_key(self, *, alias: str | None = None, account: str | None = None) -> str:
        """The ARN of a new key, which everybody may use.

        Args:
            account: that it is in; None for the one of the credentials.
        """
        owner = self._owner if account is None else _client(self.url, account)
        made = owner.create_key()["KeyMetadata"]
        if alias is not None:
            owner.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        arn: str = made["Arn"]
        return arn

    def disable(self, arn: str) -> None:
        self._owner.disable_key(KeyId=arn.rpartition("/")[2])
        self._refusing.disabled.add(arn)

    def enable(self, arn: str) -> None:
        self._owner.enable_key(KeyId=arn.rpartition("/")[2])
        self._refusing.disabled.discard(arn)

    def options(self, key: str, **more: object) -> str:
        """The setting `keys.options` with `key` as the default one."""
        return json.dumps({"key": key, "region": REGION, "endpoint": self.url, **more})


def _client(url: str, account: str | None = None) -> Any:
    client = boto3.client(
        "kms",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    if account is not None:

        def name_account(params: Any, **_more: object) -> None:
            params["headers"]["x-moto-account-id"] = account

        client.meta.events.register("before-call.kms", name_account)
    return client


@contextmanager
def running_kms() -> Iterator[KmsServer]:
    """A server on a port of its own, for as long as the block."""
    refusing = _AsAws(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, refusing, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield KmsServer(f"http://127.0.0.1:{server.server_port}", refusing)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
