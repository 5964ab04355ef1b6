"""A call as it would be shown, in a log of the event loop or by a debugger."""

from functools import partial

from rotator.access.signed_request import SignedRequest
from rotator.api.calls import Later, Reply


def test_what_is_shown_of_a_call_has_no_value_and_no_credentials() -> None:
    """Neither those that a request brings nor those that are answered."""
    request = SignedRequest(
        method="POST",
        path="/",
        query="X-Amz-Signature=s3cret",
        headers=[("x-amz-security-token", "s3cret")],
        body=b'{"SecretString": "s3cret"}',
        source_ip="192.0.2.7",
        secure=True,
    )
    reply = Reply(200, b'{"SecretString": "s3cret"}')

    def again(_: SignedRequest) -> Reply:
        return reply

    shown = repr((request, reply, Later(0.0, partial(again, request), meanwhile=reply)))

    assert "192.0.2.7" in shown
    assert "s3cret" not in shown
