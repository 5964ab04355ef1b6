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


class _RefusingDisabledKeys:
    """moto lets disabled keys be used; AWS answers DisabledException."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.disabled: set[str] = set()

    def __call__(self, environ: _Environ, respond: _Respond) -> Iterable[bytes]:
        request = Request(environ)
        if request.headers.get("X-Amz-Target") in _USES:
            key = json.loads(request.get_data(cache=True)).get("KeyId")
            if key in self.disabled:
                body = {"__type": "DisabledException", "message": f"{key} is disabled."}
                refusal = Response(
                    json.dumps(body), status=400, content_type="application/x-amz-json-1.1"
                )
                return refusal(environ, respond)
            environ["wsgi.input"] = io.BytesIO(request.get_data())
        answer: Iterable[bytes] = self._application(environ, respond)
        return answer


class KmsServer:
    """A running server, and its keys as their owner sees them."""

    def __init__(self, url: str, refusing: _RefusingDisabledKeys) -> None:
        self.url = url
        self._refusing = refusing
        self._owner = boto3.client(
            "kms",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def new_key(self, *, alias: str | None = None) -> str:
        """The ARN of a new key."""
        made = self._owner.create_key()["KeyMetadata"]
        if alias is not None:
            self._owner.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        arn: str = made["Arn"]
        return arn

    def disable(self, arn: str) -> None:
        self._owner.disable_key(KeyId=arn.rpartition("/")[2])
        self._refusing.disabled.add(arn)

    def enable(self, arn: str) -> None:
        self._owner.enable_key(KeyId=arn.rpartition("/")[2])
        self._refusing.disabled.discard(arn)

    def options(self, key: str) -> str:
        """The setting `keys.options` with `key` as the default one."""
        return json.dumps({"key": key, "region": REGION, "endpoint": self.url})


@contextmanager
def running_kms() -> Iterator[KmsServer]:
    """A server on a port of its own, for as long as the block."""
    refusing = _RefusingDisabledKeys(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, refusing, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield KmsServer(f"http://127.0.0.1:{server.server_port}", refusing)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
