"""The office's electronic seal on a print: PAdES B-LT, one update behind it, nothing permitted after that."""

import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from asn1crypto import cms, core, crl, keys, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import as_signing_certificate_v2, simple_cms_attribute
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer, SimpleSigner
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, PdfSigningSession, SigDSSPlacementPreference
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from reports.der import mend
from reports.own_loop import in_a_thread

FIELD = "FangpinOfficeSeal"

# It says at each signature that it was told to fetch nothing.
mend()
logging.getLogger("pyhanko.sign.signers").setLevel(logging.ERROR)


class NotSealed(RuntimeError):
    """The office's seal could not be set: no key, a certificate that has ended, a device that is not there."""


@dataclass(frozen=True)
class Authority:
    """What stands around a signature: certificates and revocation list as DER, the clock's key as PKCS 8."""

    root: bytes
    office: bytes
    clock: bytes
    revoked: bytes
    clock_key: bytes = field(repr=False)

    def certificates(self) -> list[x509.Certificate]:
        """Root, office, clock."""
        return [x509.Certificate.load(der) for der in (self.root, self.office, self.clock)]


class Hand(Protocol):
    """Whatever holds the office's key: a file, or a device that never gives it out."""

    def signer(self, authority: Authority) -> Signer:
        """Return what signs; raise NotSealed naming what is missing."""


@dataclass(frozen=True)
class KeyHand:
    """The office's key in memory, as PKCS 8."""

    key: bytes = field(repr=False)

    def signer(self, authority: Authority) -> Signer:
        """Return what signs with this key."""
        root, office, clock = authority.certificates()
        return SimpleSigner(office, keys.PrivateKeyInfo.load(self.key), _store(root, office, clock))


def sealed(data: bytes, authority: Authority, hand: Hand, *, now: datetime, reason: str = "") -> bytes:
    """Return a print with the office's seal: the very bytes given, and one update behind them.

    ``now`` is the office's clock in UTC; it stands in the signature and in its time stamp. Raises NotSealed.
    """
    root, office, clock = authority.certificates()
    context = _context([root], [authority.revoked], now, [office, clock])
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha512" if office.public_key.algorithm == "ed25519" else "sha256",  # RFC 8419
        reason=reason or None,
        name=office.subject.native.get("common_name"),
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=True,
        validation_context=context,
        dss_settings=DSSContentSettings(include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE),
    )
    moment = now.astimezone(UTC).replace(microsecond=0)
    signer = _Signer(meta, signer=hand.signer(authority), timestamper=OfficeClock(authority, moment), moment=moment)
    try:
        out = in_a_thread(lambda: signer.sign_pdf(_Update(io.BytesIO(data))))
    except Exception as error:
        raise NotSealed(str(error)) from error
    return bytes(out.getvalue())


class _Update(IncrementalPdfFileWriter):
    """Leaves what the print says of itself as it is: its dates and its maker are those of the print."""

    def _update_meta(self) -> None:
        pass

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """PDF/A-3 is PDF 1.7; the catalogue names no other version."""


class _Signer(PdfSigner):
    """Signs at the moment that it is told."""

    def __init__(self, meta: PdfSignatureMetadata, *, signer: Signer, timestamper: Any, moment: datetime) -> None:
        super().__init__(meta, signer=signer, timestamper=timestamper, new_field_spec=SigFieldSpec(FIELD))
        self._moment = moment

    def init_signing_session(self, *args: Any, **more: Any) -> PdfSigningSession:
        session = super().init_signing_session(*args, **more)
        session.system_time = self._moment
        return session

    def register_extensions(self, pdf_out: Any, *, md_algorithm: str) -> None:
        """PAdES alone is named: pyHanko would call the file PDF 2.0 for its elliptic curve, which no PDF/A-3 is."""
        pdf_out.register_extension(ESIC_EXTENSION_1)


class OfficeClock(DummyTimeStamper):
    """The office's own time stamps (RFC 3161): its clock said so. It proves no more than that clock is trusted."""

    def __init__(self, authority: Authority, now: datetime) -> None:
        root, _, clock = authority.certificates()
        key = keys.PrivateKeyInfo.load(authority.clock_key)
        super().__init__(clock, key, _store(root), fixed_dt=now)
        self._signer = SimpleSigner(clock, key, _store(root, clock))

    def _sign_tst_info(self, tst_info_data: bytes, md_algorithm: str, dt: datetime) -> tuple[bytes, cms.CMSAttributes]:
        attributes = [
            simple_cms_attribute("content_type", "tst_info"),
            simple_cms_attribute("signing_time", cms.Time({"utc_time": core.UTCTime(dt)})),
            simple_cms_attribute("signing_certificate_v2", as_signing_certificate_v2(self.tsa_cert)),
            simple_cms_attribute("message_digest", hashlib.new(md_algorithm, tst_info_data).digest()),
        ]
        signed = cms.CMSAttributes(attributes)
        return self._signer.sign_raw(signed.dump(), md_algorithm), signed

    def _build_signed_data(self, *args: Any, **more: Any) -> dict[str, Any]:
        made = super()._build_signed_data(*args, **more)
        for info in made["signer_infos"]:
            digest = info["digest_algorithm"]["algorithm"].native
            info["signature_algorithm"] = self._signer.get_signature_mechanism_for_digest(digest)
        return dict(made)


def _store(*certificates: x509.Certificate) -> SimpleCertificateStore:
    store = SimpleCertificateStore()
    store.register_multiple(list(certificates))
    return store


def _context(
    roots: Sequence[x509.Certificate], lists: Sequence[bytes], moment: datetime, others: Sequence[x509.Certificate] = ()
) -> ValidationContext:
    """Nothing is fetched: all that is believed is given here."""
    return ValidationContext(
        trust_roots=list(roots), other_certs=list(others), crls=[crl.CertificateList.load(der) for der in lists],
        moment=moment, allow_fetching=False, revocation_mode="require",
    )  # fmt: skip
