"""A signed print: the print itself, one update behind it, and what a check of its seal can say."""

import re
from dataclasses import dataclass

from reports.remark import Remark

GRAVE = ("broken", "appended", "permits", "several", "revoked", "malformed", "stamp")
MARK = b"/ByteRange"
PREVIOUS = re.compile(rb"/Prev ([0-9]{1,10})")
NEWEST = re.compile(rb"startxref\n([0-9]{1,10})\n%%EOF\n\Z")
END = b"%%EOF\n"


@dataclass(frozen=True)
class Checked:
    """What a file's signature is: ``code`` none, good, no_root, foreign, or one of GRAVE; who signed and when."""

    code: str
    who: str = ""
    at: str = ""

    @property
    def is_grave(self) -> bool:
        """Tell whether the file is not as it was signed."""
        return self.code in GRAVE

    @property
    def is_open(self) -> bool:
        """Tell whether there is a signature of which nobody knows whose it is."""
        return self.code in ("no_root", "foreign")

    @property
    def remark(self) -> Remark:
        """The same as a sentence of the verdict."""
        return Remark(f"sig_{self.code}", detail=", ".join(filter(None, (self.who, self.at))), is_grave=self.is_grave)


def base_of(data: bytes) -> bytes:
    """Return the print behind which one update was written, or all that was given where there is none such."""
    newest = NEWEST.search(data, max(0, len(data) - 64))
    before = PREVIOUS.search(data, int(newest[1])) if newest else None
    if not before:
        return data
    told = b"startxref\n%s\n%s" % (before[1], END)
    place = data.find(told, int(before[1]))
    return data[: place + len(told)] if place >= 0 else data
