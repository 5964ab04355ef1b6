"""How the requests of a webhook are signed. Pure; the scheme is a contract, described in docs/plugins.md."""

import hashlib
import hmac
from collections.abc import Mapping

TIMESTAMP = "Rotator-Timestamp"
DELIVERY = "Rotator-Delivery"
SIGNATURE = "Rotator-Signature"


def headers(key: str, body: bytes, *, timestamp: int, delivery: str) -> Mapping[str, str]:
    """The headers that prove who sent `body`, and when.

    Args:
        key: what sender and receiver share.
        timestamp: seconds since 1970, UTC.
        delivery: an id that no other request has.
    """
    signed = f"{timestamp}.{delivery}.".encode() + body
    digest = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
    return {TIMESTAMP: str(timestamp), DELIVERY: delivery, SIGNATURE: f"v1={digest}"}
