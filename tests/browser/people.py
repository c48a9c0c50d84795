"""People at a browser: each logs in, finds the case, fills in forms with files; every page is watched meanwhile."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, Request, ViewportSize

from tests.world import PASSWORD

PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1440, height=900)
SHOTS = {"375": ViewportSize(width=375, height=812), "1366": ViewportSize(width=1366, height=900)}
PATIENCE = 30_000  # milliseconds; other tests may keep the machine busy
BANDS = ("late", "today", "week", "later")
# What people type; choices by their value. Dates are left as the form proposes them: today.
TYPED: Mapping[str, Any] = {
    "clue_source": "self_report",
    "clue_note": "户主住院，家庭支出骤增",
    "category": "sudden_hardship",
    "risks": ["illness", "unstable_job"],
    "income_per_head": "7200.50",
    "income_members": "3",
    "income_wage": "18,000",
    "income_business": "6,000",
    "income_property": "0",
    "income_transfer": "600",
    "business_cost": "2,999",
    "judgement": "收入在监测范围以内，但突发重病，支出远超承受能力",
    "selfpaid_expense": "12,000",
    "labour_members": "1",
    "education_safe": "yes",
    "medical_safe": "yes",
    "housing_safe": "yes",
    "water_safe": "yes",
    "opinion": "情况属实，同意",
    "comparison_hits": "0",
    "comparison_note": "未发现疑点",
    "votes_due": "12",
    "votes_present": "10",
    "votes_for": "9",
    "votes_against": "1",
    "votes_abstain": "0",
    "posted_place": "村务公开栏",
    "publicity_result": "公示期内无异议",
    "sample_checked": "yes",
    "approval_number": "秀委农组〔2026〕1号",
    "national_number": "5002410000001",
    "helper": "白老师",
    "plan_text": "发展黄牛养殖，协调公益岗位",
    "measures_planned": ["industry", "public_job"],
    "measure_kind": "industry",
    "measure_amount": "2000",
    "measure_note": "黄牛一头",
    "visit_mode": "home",
    "visit_note": "病情稳定，牛长势好",
}


@cache
def photo(name: str) -> FilePayload:
    """A small real JPEG, another one for each name."""
    shade = sum(name.encode()) % 200
    picture = Image.new("RGB", (320, 240), (shade, 120, 220 - shade))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, 240), (90, 110), (170, 190), (230, 90), (320, 240)], fill=(60, 100, 60))
    draw.rectangle((120, 150, 200, 220), fill=(200, 180, 150))
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return FilePayload(name=f"{name}.jpg", mimeType="image/jpeg", buffer=out.getvalue())


@dataclass
class Watch:
    """What browsers did that they must not: requests to other hosts, errors in the console, pages too wide.

    ``shots`` is where pictures are kept, if they are.
    """

    host: str
    shots: Path | None
    faults: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def over(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("request", self._requested)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"script error {error}"))

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.faults.append(f"request to another host {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium notes each answer of 4xx as an error; a refusal that was asked for is none.
        if self.refusals_expected and "Failed to load resource" in message.text:
            return
        if message.type in ("error", "warning") or "Content Security Policy" in message.text:
            self.faults.append(f"console {message.type}: {message.text} at {message.location}")

    def measure(self, page: Page) -> None:
        """Note a page that can be moved sideways."""
        wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if wide > room:
            self.faults.append(f"{wide} px wide in {room} px: {page.url}")


@dataclass
class Person:
    """One account in a browser of its own."""

    username: str
    page: Page
    base: str
    watch: Watch

    @classmethod
    def arrive(cls, browser: Browser, base: str, username: str, watch: Watch, **more: Any) -> "Person":
        """Open a browser for an account: village people hold a telephone, offices sit at a wide screen."""
        context = browser.new_context(locale="zh-CN", **{"viewport": DESK, **more})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch.over(page)
        return cls(username, page, base, watch)

    # --- going ---
    def open(self, path: str) -> "Person":
        """Open a page, through the log-in page when the session is over."""
        self.page.goto(f"{self.base}{path}")
        if self.page.locator("#password[autocomplete=current-password]").count() and "/login" in self.page.url:
            self.log_in()
        self.watch.measure(self.page)
        return self

    def log_in(self) -> None:
        """Fill in the log-in page that is open."""
        self.page.fill("#username", self.username)
        self.page.fill("#password", PASSWORD)
        with self.page.expect_navigation():
            self.page.click("main form button")
        assert "/login" not in self.page.url, self.text()

    def desk(self) -> "Person":
        """Open my desk; each number above the list equals the rows that it leads to."""
        self.open("/desk")
        everything = len(self.rows())
        assert self.count("all") == everything
        return self

    def count(self, band: str) -> int:
        """A number above the desk's list."""
        return int(self.page.locator(f".tile.{band} b").inner_text())

    def rows(self) -> list[str]:
        """The list's rows as text."""
        return self.page.locator("table.list tbody tr").all_inner_texts()

    def check_bands(self) -> "Person":
        """Each number above the desk's list leads to as many rows, and all of them together are the whole."""
        total = self.desk().count("all")
        shown = 0
        for band in BANDS:
            self.open(f"/desk?band={band}")
            assert len(self.rows()) == self.count(band), band
            shown += self.count(band)
        assert shown == total
        return self

    def speak(self, lang: str) -> "Person":
        """Change the language by the button."""
        return self.follow(self.page.locator(f'form.lang button[value="{lang}"]'))

    def follow(self, link: Locator) -> "Person":
        """Click a link and look at the page behind it."""
        with self.page.expect_navigation():
            link.click()
        self.watch.measure(self.page)
        return self

    def to_case(self, head: str, purpose: str = "") -> "Person":
        """Go to a household's case from the desk."""
        self.desk()
        row = self.page.locator("table.list tbody tr", has_text=head).filter(has_text=purpose)
        assert row.count() == 1, (self.username, purpose, self.rows())
        return self.follow(row.locator("a.rowlink"))

    # --- doing ---
    def begin(self, action: str) -> "Person":
        """Open the form of an action from the case's page."""
        link = self.page.locator(f'a[href$="/acts/{action}"]')
        assert link.count() == 1, (self.username, action, self.text())
        return self.follow(link)

    def fill(self, **changes: Any) -> "Person":
        """Fill in the form that is open: every field that people must fill in, a photo for each file."""
        known = {**TYPED, **changes}
        form = self.page.locator("form.form-wide")
        for name in form.evaluate(NAMES):
            if name in known:
                self._enter(form, name, known[name])
        for box in form.locator("input[type=file]").all():
            box.set_input_files(photo(f"{self.username}-{box.get_attribute('name')}"))
        return self

    def _enter(self, form: Locator, name: str, value: Any) -> None:
        field_ = form.locator(f'[name="{name}"]')
        kind = field_.first.get_attribute("type")
        if kind in ("radio", "checkbox"):
            for one in value if isinstance(value, list) else [value]:
                form.locator(f'[name="{name}"][value="{one}"]').check()
        elif field_.evaluate("e => e.tagName") == "SELECT":
            option = field_.locator("option", has_text=value)
            field_.select_option(option.get_attribute("value") if option.count() else value)
        else:
            field_.fill(value)

    def send(self) -> "Person":
        """Sign and send; the answer is a page that says it was done."""
        with self.page.expect_navigation():
            self.page.click("form.form-wide .buttons button")
        done = self.page.locator(".banner.good")
        assert done.count() == 1, (self.username, self.page.url, self.text())
        self.watch.measure(self.page)
        return self

    def act(self, action: str, **changes: Any) -> "Person":
        """Do an action on the case whose page is open."""
        return self.begin(action).fill(**changes).send()

    def reminders(self) -> list[str]:
        """My reminders, newest first."""
        self.open("/reminders")
        return self.page.locator("ul.reminders > li").all_inner_texts()

    # --- seeing ---
    def text(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def shoot(self, name: str) -> "Person":
        """Keep pictures of the page on a telephone and on a desk screen; neither may be too wide at 360 and 1440."""
        if self.watch.shots is None:
            return self
        before = self.page.viewport_size
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)
            self.watch.measure(self.page)
        for width, size in SHOTS.items():
            self.page.set_viewport_size(size)
            self.page.screenshot(path=self.watch.shots / f"{name}-{width}.png", full_page=True)
        if before:
            self.page.set_viewport_size(before)
        return self

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Inside, answers that refuse are what is looked for."""
        self.watch.refusals_expected = True
        yield
        self.page.wait_for_timeout(50)
        self.watch.refusals_expected = False


NAMES = """form => [...new Set([...form.elements]
  .filter(e => e.name && !['hidden', 'file'].includes(e.type) && e.type !== 'date').map(e => e.name))]"""
