"""A user's tour with values that only the store knows: passwords, keys, certificates."""

import ssl
from pathlib import Path

from tests.support.command import RotateCommand

_SECRETS = {
    "app/api": ('{"url": "https://example.com", "key": "first"}', "generic-password", "field=key"),
    "vpn/key": ("{}", "x25519-key", "form=binary"),
    "app/tls": ("{}", "tls-self-signed", "names=app.example.com"),
}


def test_a_tour(rotate: RotateCommand, tmp_path: Path) -> None:
    """Each of them rotates, again too, and is verified with nothing said to be wrong; no value is shown on the way."""
    rotate.ok("init")
    for name, (value, rotator, setting) in _SECRETS.items():
        rotate.ok("secret", "create", name, value=value)
        rotate.ok("rotation", "set", name, "--rotator", rotator, "--setting", setting)
    planned = rotate.ok("plan", "app/tls").out
    assert "setSecret: nothing outside changes" in planned
    assert "log in" not in planned
    rotate.ok("now", "--all")
    rotate.ok("now", "--all")

    verified = rotate.json("verify", "--all")
    assert {check["secret"]: check["result"] for check in verified["secrets"]} == {
        "app/api": "unsupported",
        "vpn/key": "accepted",
        "app/tls": "accepted",
    }
    api, tls = (rotate.reveal(name) for name in ("app/api", "app/tls"))
    assert api["url"] == "https://example.com"
    pem = tmp_path / "tls.pem"
    pem.write_text(tls["private_key"] + tls["certificate"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pem)
    shown = "".join(rotate.shown)
    for value in (api["key"], tls["private_key"]):
        assert value not in shown
