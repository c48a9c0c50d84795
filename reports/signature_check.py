"""The check of the office's seal on a printed file: whole, unchanged, permitting nothing more, by a known root."""

import io
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, crl, x509
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from reports.der import mend
from reports.own_loop import in_a_thread
from reports.signed_base import MARK, Checked
from workflows.clock import utc_text

GAP = re.compile(rb"<([0-9A-F]+)>")
mend()
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def checked(data: bytes, roots: Sequence[bytes] = (), lists: Sequence[bytes] = ()) -> Checked:
    """Judge the signature of a file, without a network.

    ``roots``: certificates (DER) that the office gave out; ``lists``: its newest revocation lists (DER), beside the
    ones in the file. The chain is judged at the moment of the time stamp, so that it holds after the certificate's end.
    """
    if MARK not in data:
        return Checked("none")
    try:
        return _checked(data, roots, lists)
    except Exception:  # noqa: BLE001 - whatever a hostile file makes the library raise, it is not a signed print
        return Checked("malformed")


def _checked(data: bytes, roots: Sequence[bytes], lists: Sequence[bytes]) -> Checked:
    reader = PdfFileReader(io.BytesIO(data), strict=True)
    found = reader.embedded_signatures
    if not found:
        return Checked("malformed")
    if len(found) != 1 or data.count(MARK) != 1:
        return Checked("several")
    one = found[0]
    who = str(one.signer_cert.subject.native.get("common_name", ""))
    if reader.xrefs.total_revisions != 2 or not _spans(data, one):
        return Checked("appended", who)
    moment = _moment(one)
    if moment is None:
        return Checked("stamp", who)
    return _judged(one, reader, who, moment, roots, lists)


def _judged(
    one: Any, reader: PdfFileReader, who: str, moment: datetime, roots: Sequence[bytes], lists: Sequence[bytes]
) -> Checked:
    known = [x509.Certificate.load(der) for der in roots]
    store = DocumentSecurityStore.read_dss(reader)
    enclosed = [ref.get_object().read_data(DecodePurpose.CRL) for ref in store.crls]
    of_seal, of_stamp = (_context(store, known, enclosed, moment) for _ in range(2))
    status = in_a_thread(lambda: validate_pdf_signature(one, of_seal, of_stamp))
    at = utc_text(moment)
    if not (status.intact and status.valid):
        return Checked("broken", who, at)
    if status.coverage != SignatureCoverageLevel.ENTIRE_FILE or not status.docmdp_ok:
        return Checked("appended", who, at)
    if one.docmdp_level != MDPPerm.NO_CHANGES:
        return Checked("permits", who, at)
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid):
        return Checked("stamp", who, at)
    if status.revoked or stamp.revoked or _is_revoked(one.signer_cert, lists, moment):
        return Checked("revoked", who, at)
    if not known:
        return Checked("no_root", who, at)
    return Checked("good" if status.trusted and stamp.trusted else "foreign", who, at)


def _context(
    store: DocumentSecurityStore, roots: Sequence[x509.Certificate], lists: Sequence[bytes], moment: datetime
) -> ValidationContext:
    """Nothing is fetched: roots are given, all else came with the file."""
    return ValidationContext(
        trust_roots=list(roots), other_certs=list(store.load_certs()),
        crls=[crl.CertificateList.load(der) for der in lists],
        moment=moment, allow_fetching=False, revocation_mode="require",
    )  # fmt: skip


def _moment(one: Any) -> datetime | None:
    """The time of the only time stamp on the signature."""
    stamps = [row for row in one.signer_info["unsigned_attrs"] if row["type"].native == "signature_time_stamp_token"]
    if len(stamps) != 1 or len(stamps[0]["values"]) != 1:
        return None
    told = stamps[0]["values"][0]["content"]["encap_content_info"]["content"].parsed
    moment: datetime = told["gen_time"].native
    return moment.astimezone(UTC)


def _spans(data: bytes, one: Any) -> bool:
    """The range is the whole file but for the signature's own digits, behind which nothing but noughts may hide."""
    try:
        first, before, begins, rest = map(int, one.byte_range)
    except ValueError:
        return False
    digits = GAP.fullmatch(data[before:begins])
    if not digits or first != 0 or begins + rest != len(data):
        return False
    held = bytes.fromhex(digits[1].decode())
    own = len(cms.ContentInfo.load(held).dump())
    return held == one.pkcs7_content and not held[own:].strip(b"\0")


def _is_revoked(certificate: x509.Certificate, lists: Sequence[bytes], moment: datetime) -> bool:
    """Tell whether the office's newest list says that the certificate was no longer good when it signed."""
    for der in lists:
        for row in crl.CertificateList.load(der)["tbs_cert_list"]["revoked_certificates"] or ():
            is_same = row["user_certificate"].native == certificate.serial_number
            if is_same and row["revocation_date"].native <= moment:
                return True
    return False
