"""One thing that a check has to say: a stable code, the place, and a sentence in both languages."""

from dataclasses import dataclass

from reports.labels import word


@dataclass(frozen=True)
class Remark:
    """``seq`` and ``page`` count from 1, 0 means none; a grave remark means that something was
    altered."""

    code: str
    case: str = ""
    seq: int = 0
    page: int = 0
    detail: str = ""
    is_grave: bool = False

    def text(self, lang: str = "zh") -> str:
        """Return the sentence with its place."""
        sentence = word(f"verify.{self.code}", lang, detail=self.detail)
        if not self.detail or sentence != word(f"verify.{self.code}", lang, detail=""):
            return self._place(lang) + sentence
        return self._place(lang) + sentence + word("verify.detail", lang, detail=self.detail)

    def _place(self, lang: str) -> str:
        if self.page:
            return word("verify.place_page", lang, page=self.page)
        if self.case and self.seq:
            return word("verify.place_entry", lang, case=self.case, seq=self.seq)
        return word("verify.place_case", lang, case=self.case) if self.case else ""
