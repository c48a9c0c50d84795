"""Signing of checkpoints: Ed25519 (RFC 8032), by a key that never leaves this installation."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workflows.checkpoint import VerifierKey


class Signer:
    """Signs with a private key, given as its 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the signature, the same for the same bytes."""
        return self._key.sign(data)

    def key(self, name: str) -> VerifierKey:
        """Return the public key under the name of a log."""
        return VerifierKey(name, self.public)


def holds(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether a signature is that of a public key over some bytes; what is no key or signature never holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
