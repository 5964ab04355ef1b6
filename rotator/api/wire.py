"""JSON on the wire: AWS JSON 1.1, in and out."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from rotator.api.errors import SerializationError

CONTENT_TYPE: Final = b"application/x-amz-json-1.1"

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def decode(body: bytes) -> Any:
    """The JSON of a body; an empty one is an empty object.

    Of a member that comes twice the last one counts, as in the real service's parser.

    Raises:
        SerializationError: it is no JSON, or nested too deeply to be read.
    """
    if not body:
        return {}
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        # What the parser says quotes the body, where a value may stand.
        raise SerializationError("The body of the request is not valid JSON.") from None


encode = _encoder.encode
"""JSON of dictionaries, lists, texts and what the functions below give."""


def moment(at: datetime) -> msgspec.Raw:
    """A timestamp: seconds since the epoch as a number with three fractional digits."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    sign, size = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    return msgspec.Raw(f"{sign}{size // 1000}.{size % 1000:03d}")


def blob(content: bytes) -> str:
    """A blob, as base64."""
    return base64.b64encode(content).decode("ascii")


def present(**members: Any) -> dict[str, Any]:
    """A structure; a member that is None is left out."""
    return {name: value for name, value in members.items() if value is not None}
