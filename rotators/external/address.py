"""An endpoint's address, as far as it may be told. Pure."""

from urllib.parse import urlsplit


def origin(url: str) -> str:
    """Scheme, host and port. Paths and queries stay unsaid: there are services whose secret is in them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
