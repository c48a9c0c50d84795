"""The office's key in a device (PKCS#11): pyHanko's own signer, loaded when it is first asked to sign."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhanko.sign.signers import Signer

from reports.signature import Authority, NotSealed


def open_device(library: str, token: str, pin: str) -> Any:
    """Open a session; raises NotSealed naming the library, the Python package or the token that is missing."""
    if not Path(library).is_file():
        raise NotSealed(f"{library}: no such library (FANGPIN_SEAL_DEVICE)")
    try:
        from pyhanko.config.pkcs11 import TokenCriteria
        from pyhanko.sign.pkcs11 import open_pkcs11_session
    except ImportError as error:
        raise NotSealed("the Python package python-pkcs11 is not installed; a seal in a device needs it") from error
    try:
        return open_pkcs11_session(library, token_criteria=TokenCriteria(label=token), user_pin=pin)
    except Exception as error:
        raise NotSealed(f"{library}, token {token}: {error}") from error


def device_signer(session: Any, authority: Authority, label: str) -> Signer:
    """Return what signs by the key of this label, under the office's certificate."""
    from pyhanko.sign.pkcs11 import PKCS11Signer

    root, office, clock = authority.certificates()
    return PKCS11Signer(session, key_label=label, signing_cert=office, other_certs_to_pull=(), ca_chain=[root, clock])


@dataclass(frozen=True)
class DeviceHand:
    """A device; ``pin`` is the file that holds its PIN, ``opened`` and ``made`` are replaced by tests."""

    library: str
    token: str
    label: str
    pin: str
    opened: Callable[[str, str, str], Any] = open_device
    made: Callable[[Any, Authority, str], Signer] = device_signer

    def signer(self, authority: Authority) -> Signer:
        """Return what signs with the key in the device; raises NotSealed."""
        try:
            pin = Path(self.pin).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotSealed(f"{self.pin}: the device's PIN can't be read") from error
        return self.made(self.opened(self.library, self.token, pin), authority, self.label)
