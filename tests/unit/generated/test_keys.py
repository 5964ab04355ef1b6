"""The rotators `x25519-key` and `ed25519-ssh-key`: what they make is used by others."""

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from rotator.sdk import Candidate, Misconfigured, Proof, Rotator, SecretValue
from rotators.generated import Ed25519SshKey, X25519Key
from tests.support.rotations import attempt, preflight, rotate, rotation_of, warnings


def made(kind: type[Rotator], before: str = "{}", **settings: str) -> SecretValue:
    values = {Candidate.CURRENT: SecretValue(string=before)}
    return rotate(kind, values, settings=settings)[Candidate.CURRENT]


def probe(kind: type[Rotator], value: SecretValue) -> Proof:
    with attempt(kind) as rotator:
        return rotator.probe(rotation_of({Candidate.CURRENT: value}, kind=kind), Candidate.CURRENT)


def pair_of(value: SecretValue, form: str) -> tuple[X25519PrivateKey, X25519PublicKey]:
    """The keys as a reader of the secret gets at them."""
    if value.binary is not None:
        private = X25519PrivateKey.from_private_bytes(value.binary)
        return private, private.public_key()
    fields = value.fields()
    if form == "pem":
        key = serialization.load_pem_private_key(fields["private_key"].encode(), password=None)
        public = serialization.load_pem_public_key(fields["public_key"].encode())
        assert isinstance(key, X25519PrivateKey)
        assert isinstance(public, X25519PublicKey)
        return key, public
    return (
        X25519PrivateKey.from_private_bytes(base64.b64decode(fields["private_key"])),
        X25519PublicKey.from_public_bytes(base64.b64decode(fields["public_key"])),
    )


@pytest.mark.parametrize("form", ["base64", "pem", "binary"])
def test_two_x25519_pairs_agree_on_a_key(form: str) -> None:
    """A Diffie-Hellman exchange with a stranger's pair gives both sides the same secret, whatever the form."""
    value = made(X25519Key, form=form)
    private, public = pair_of(value, form)
    other = X25519PrivateKey.generate()
    assert private.exchange(other.public_key()) == other.exchange(public)
    assert probe(X25519Key, value) is Proof.ACCEPTED


def test_openssl_reads_the_pem_form(tmp_path: Path) -> None:
    """OpenSSL derives the very public key that the secret has beside the private one."""
    fields = made(X25519Key, form="pem").fields()
    file = tmp_path / "key.pem"
    file.write_text(fields["private_key"])
    shown = subprocess.run(
        ["openssl", "pkey", "-in", file, "-pubout"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == fields["public_key"]


def test_ssh_keygen_reads_the_private_key(tmp_path: Path) -> None:
    """`ssh-keygen -y` derives the public key, and `ssh-keygen -l` the fingerprint with the comment."""
    fields = made(Ed25519SshKey, comment="deploy key of the shop").fields()
    private, public = tmp_path / "id", tmp_path / "id.pub"
    private.write_text(fields["private_key"])
    private.chmod(0o600)
    public.write_text(fields["public_key"] + "\n")

    derived = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", private], capture_output=True, text=True, check=True
    ).stdout.split()
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", public], capture_output=True, text=True, check=True
    ).stdout

    assert derived[:2] == fields["public_key"].split()[:2]
    assert listed == f"256 {fields['fingerprint']} deploy key of the shop (ED25519)\n"


def test_what_ssh_signs_with_it_ssh_verifies(tmp_path: Path) -> None:
    """A signature by the private key is accepted for the public key, and not for the one of another rotation."""
    fields, others = made(Ed25519SshKey).fields(), made(Ed25519SshKey).fields()
    private, message = tmp_path / "id", tmp_path / "message"
    private.write_text(fields["private_key"])
    private.chmod(0o600)
    message.write_text("ship it")
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(private), str(message)]
    subprocess.run(sign, check=True, capture_output=True)
    accepted = []
    for public in (fields["public_key"], others["public_key"]):
        allowed = tmp_path / "allowed"
        allowed.write_text(f"me {public}\n")
        verify = ["ssh-keygen", "-Y", "verify", "-n", "file", "-I", "me", "-f", str(allowed)]
        signature = ["-s", f"{message}.sig"]
        ran = subprocess.run(
            [*verify, *signature], input=b"ship it", capture_output=True, check=False
        )
        accepted.append(ran.returncode == 0)
    assert accepted == [True, False]


@pytest.mark.parametrize("kind", [X25519Key, Ed25519SshKey])
def test_other_fields_stay(kind: type[Rotator]) -> None:
    """What else the JSON holds is kept; the comment of an SSH key is the secret's name where none is set."""
    fields = made(kind, '{"owner": "payments", "private_key": "old"}').fields()
    assert fields["owner"] == "payments"
    assert fields["private_key"] != "old"
    if kind is Ed25519SshKey:
        assert fields["public_key"].endswith(" app")


@pytest.mark.parametrize("kind", [X25519Key, Ed25519SshKey])
def test_a_public_key_of_another_pair_is_refused(kind: type[Rotator]) -> None:
    """A value whose halves don't belong together fails testSecret and is refused by a probe, as is nonsense."""
    first, second = made(kind), made(kind)
    mixed = SecretValue.from_json(first.fields() | {"public_key": second.fields()["public_key"]})
    for value in (mixed, SecretValue(string="{}"), SecretValue(string="bare")):
        assert probe(kind, value) is Proof.REFUSED
    values = {Candidate.CURRENT: first, Candidate.PENDING: mixed}
    with attempt(kind) as rotator, pytest.raises(Misconfigured, match="private key"):
        rotator.test_secret(rotation_of(values, kind=kind))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (X25519Key, {"form": "der"}, "form"),
        (X25519Key, {"comment": "x"}, "comment"),
        (Ed25519SshKey, {"comment": "two\nlines"}, "one line"),
        (Ed25519SshKey, {"comment": "x" * 256}, "255"),
    ],
)
def test_wrong_settings_are_named(
    kind: type[Rotator], settings: dict[str, Any], message: str
) -> None:
    """Preflight names the setting that can't be used and says what is allowed."""
    values = {Candidate.CURRENT: SecretValue(string="{}")}
    with pytest.raises(Misconfigured) as refused:
        preflight(kind, rotation_of(values, kind=kind, settings=settings))
    assert message in f"{refused.value.message} {refused.value.hint}"


def test_fields_without_room_are_told() -> None:
    """A binary key leaves no room for what else the value held; the plan says so before it happens."""
    values = {Candidate.CURRENT: SecretValue(string='{"owner": "payments"}')}
    found = preflight(X25519Key, rotation_of(values, kind=X25519Key, settings={"form": "binary"}))
    assert "owner" in warnings(found)
