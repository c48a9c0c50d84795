"""An office's seal for tests: a root, an office, a clock, made once a process."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives import serialization

from app import office_ca as ca
from reports.signature import Authority, KeyHand, sealed

DAY = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
DER = serialization.Encoding.DER


@dataclass(frozen=True)
class Office:
    """What signs, and what a stranger is given to check it with."""

    authority: Authority
    hand: KeyHand

    @property
    def roots(self) -> tuple[bytes, ...]:
        return (self.authority.root,)

    def sealed(self, data: bytes, now: datetime = DAY) -> bytes:
        return sealed(data, self.authority, self.hand, now=now)


@cache
def office(name: str = "测试县农业农村委员会", algorithm: str = "p256", now: datetime = DAY) -> Office:
    """An office of this name; the same one each time."""
    root_key, own_key, clock_key = (ca.make_key(one) for one in (algorithm, algorithm, "p256"))
    root = ca.make_root(root_key, f"{name} 根", now=now)
    own = ca.make_leaf(root, root_key, own_key.public_key(), name, now=now)
    clock = ca.make_leaf(root, root_key, clock_key.public_key(), f"{name} 时钟", now=now, is_clock=True)
    revoked = ca.make_list(root, root_key, [], now=now, number=1)
    first, second, third = (one.public_bytes(DER) for one in (root, own, clock))
    authority = Authority(first, second, third, revoked.public_bytes(DER), _pkcs8(clock_key))
    return Office(authority, KeyHand(_pkcs8(own_key)))


def _pkcs8(key: ca.Key) -> bytes:
    return bytes(key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
