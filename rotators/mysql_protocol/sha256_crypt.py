"""SHA-256-crypt, the hash inside caching_sha2_password and sha256_password.

Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6; MySQL's `crypt_genhash_impl.cc` uses it with
salts of 20 bytes.
"""

import hashlib

_ALPHABET = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The 43 characters that follow the salt.

    Args:
        password: at most 256 bytes matter to MySQL; all of them are used.
        salt: as it is stored.
        rounds: 5000 unless the stored form says otherwise.
    """
    alternate = hashlib.sha256(password + salt + password).digest()
    begin = hashlib.sha256(password + salt + _stretched(alternate, len(password)))
    length = len(password)
    while length:
        begin.update(alternate if length & 1 else password)
        length >>= 1
    digest = begin.digest()
    p_bytes = _stretched(hashlib.sha256(password * len(password)).digest(), len(password))
    s_bytes = _stretched(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for turn in range(rounds):
        odd = turn & 1
        parts = [
            p_bytes if odd else digest,
            s_bytes if turn % 3 else b"",
            p_bytes if turn % 7 else b"",
            digest if odd else p_bytes,
        ]
        digest = hashlib.sha256(b"".join(parts)).digest()
    return _encoded(digest)


def _stretched(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _encoded(digest: bytes) -> bytes:
    text = bytearray()
    a, b, c = 0, 10, 20
    for _ in range(10):
        text += _characters(digest[a], digest[b], digest[c], 4)
        a, b, c = c + 1, a + 1, b + 1
    return bytes(text + _characters(0, digest[31], digest[30], 3))


def _characters(high: int, middle: int, low: int, count: int) -> bytes:
    bits = high << 16 | middle << 8 | low
    return bytes(_ALPHABET[bits >> 6 * i & 63] for i in range(count))
