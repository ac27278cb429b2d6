"""What is kept from whom: tokens as hashes, reports sealed with the clearing key, commitments that a receipt can be held against.

Reports are sealed by hybrid public key encryption, RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305. All have the same length, so
that their length says nothing. What is sealed is bound to its round, participant and number: it cannot stand for another.

A commitment is HMAC-SHA256 of the report's text under a salt of 256 bits. The salt follows from the participant's token, which
the server sees and does not keep: he can always be told it again, while the database alone does not tell whether it was 4 or 9.
"""

from __future__ import annotations

import hmac
import json
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from veridical.data import files
from veridical.data.errors import CertificateError, InputError
from veridical.rounds.chain import canonical

__all__ = ["ClearingKey", "commitment", "form_code", "hashed", "new_token", "salt_of", "seal", "text_of"]

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
LENGTH = 256  # bytes that every report is filled up to before it is sealed
HEAD = "veridical clearing key: reports of the round are read with it. Keep it away from the server until the deadline."


def new_token() -> str:
    """Return a participant's token: 256 random bits, 43 letters, digits, - and _."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what the database keeps of a token."""
    return sha256(token.encode()).hexdigest()


def salt_of(token: str, round: str, request: str) -> str:
    """Return the salt of a report, 64 hexadecimal digits; `request` names it among the participant's."""
    return _keyed(token.encode(), "salt", round, request)


def form_code(token: str, round: str, request: str) -> str:
    """Return the code that a form must bring back: no other site can make it, as it does not know the token."""
    return _keyed(token.encode(), "form", round, request)


def _keyed(key: bytes, *parts: str) -> str:
    return hmac.new(key, canonical(parts).encode(), sha256).hexdigest()


def text_of(report: float) -> str:
    """Return the text of a report that is committed to: the shortest decimal that gives the float back.

    Examples
    --------
    >>> text_of(4), text_of(7.25)
    ('4.0', '7.25')
    """
    return repr(float(report))


def commitment(report: float, salt: str) -> str:
    """Return the hash of what was received, which tells nothing of it without the salt.

    Examples
    --------
    >>> commitment(4.0, "00" * 32) == commitment(4.0, "01" * 32)
    False
    """
    return hmac.new(bytes.fromhex(salt), text_of(report).encode(), sha256).hexdigest()


def seal(public: str, report: float, salt: str, *context: str) -> str:
    """Return a report sealed for a public key, hexadecimal; `context`: whose it is, without which it does not open."""
    text = canonical({"report": text_of(report), "salt": salt}).encode().ljust(LENGTH)
    key = X25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return SUITE.encrypt(text, key, info=canonical(context).encode()).hex()


class ClearingKey:
    """The private key that opens the reports of one round."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> ClearingKey:
        """Return a key that nobody has seen."""
        return cls(X25519PrivateKey.generate())

    @property
    def public(self) -> str:
        """What reports are sealed for, 64 hexadecimal digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def unseal(self, sealed: str, *context: str) -> tuple[float, str]:
        """Return a report and its salt; raises CertificateError for what was not sealed for this key in this context."""
        try:
            text = SUITE.decrypt(bytes.fromhex(sealed), self._key, info=canonical(context).encode())
            opened = json.loads(text)
            return float(opened["report"]), str(opened["salt"])
        except (InvalidTag, ValueError, KeyError, TypeError):
            raise CertificateError(f"a sealed report does not open: {', '.join(context)}") from None

    def save(self, path: str | Path) -> None:
        """Write the key to a new file that this user alone can read; raises InputError, also where there is a file already."""
        if Path(path).exists():
            raise InputError.of("--key", str(path), "a file that is not there yet: keys are not overwritten")
        files.write({Path(path): f"# {HEAD}\n{self._key.private_bytes_raw().hex()}\n"}, private=True)

    @classmethod
    def load(cls, path: str | Path) -> ClearingKey:
        """Read a key from a file; raises InputError, which does not show what stands there."""
        lines = files.read(path, "clearing key", "key").splitlines()
        try:
            (text,) = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
            return cls(X25519PrivateKey.from_private_bytes(bytes.fromhex(text)))
        except ValueError:
            raise InputError.of("--key", str(path), "a file that `veridical round create` wrote: the clearing key") from None
