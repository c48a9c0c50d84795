"""The page where anybody checks a print: verdicts, nothing personal, no log-in, limits."""

import io
import json
import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from app import office_seal, printing, stranger_files
from app.services.seal_keys import print_seal
from reports import fangpin_verify as alone
from reports.bundle import write_zip
from reports.signed_base import MARK
from tests.attacks import ATTACKS
from tests.factories import XIUSHAN
from tests.prove.edited_prints import rewritten
from tests.prove.sealed_prints import files_of, unzipped, zipped
from tests.web.site import Browser, browser
from tests.world import StoredWalker, World
from workflows.checkcode import code_of, qr_text
from workflows.errors import Throttled

CASE = "500241H0000001-C1"
VERDICT = re.compile(r'data-verdict="([a-z]+)"')


@pytest.fixture
def walker(world: World) -> StoredWalker:
    """A household whose case has one entry."""
    one = world.walker()
    one.act("report_clue")
    return one


@pytest.fixture
def printed(world: World, walker: StoredWalker) -> bytes:
    """Its trail."""
    return printing.print_trail(world.person("auditor", XIUSHAN), case=CASE)


def stranger(world: World) -> Browser:
    """Somebody without an account."""
    return Browser(world.app, world.app.test_client()).get("/check")


def ask(one: Browser, **sent: str | bytes) -> str:
    """The verdict on a code or a file."""
    files = {name: (io.BytesIO(value), "x.pdf") if isinstance(value, bytes) else value for name, value in sent.items()}
    one.post("/check", files)
    found = VERDICT.search(one.text)
    return found[1] if found else f"{one.status}"


def code_on(pdf: bytes) -> str:
    """The code that stands on a print of one household."""
    trail = json.loads(alone.Pdf(pdf).read(alone.TRAIL))
    entries = sum(len(chain["entries"]) for chain in trail["chains"])
    return code_of(trail["case"], entries, alone.verify(pdf)[2])


def test_a_code_is_newest_until_the_case_goes_on(world: World, walker: StoredWalker, printed: bytes) -> None:
    one, code = stranger(world), code_on(printed)
    assert ask(one, code=code) == "newest"
    assert "此后没有新的记录" in one.text
    walker.wait(days=1).act("nominate")
    assert ask(one, code=code.lower().replace("-", " ").replace("0", "o")) == "later"
    assert "又有" in one.text
    now = printing.print_trail(world.person("auditor", XIUSHAN), case=CASE)
    assert ask(one, code=code_on(now)) == "newest"
    trail = json.loads(alone.Pdf(now).read(alone.TRAIL))
    entries = sum(len(chain["entries"]) for chain in trail["chains"])
    assert ask(one, code=qr_text(CASE, entries, alone.verify(now)[2])) == "newest"


def test_what_is_not_ours_is_unknown(world: World, printed: bytes) -> None:
    one, head = stranger(world), "ab" * 32
    assert ask(one, code=code_of(CASE, 1, head)) == "unknown"
    assert ask(one, code=code_of("500241H0009999-C1", 1, head)) == "unknown"
    assert ask(one, code=code_of("110101H0000001-C1", 1, head)) == "unknown"
    assert ask(one, code="hello") == "form"
    code = code_on(printed)
    assert ask(one, code=code[:-1] + ("0" if code[-1] != "0" else "2")) == "typo"


def test_a_file_is_judged(world: World, walker: StoredWalker, printed: bytes) -> None:
    one = stranger(world)
    assert ask(one, file=printed) == "newest"
    assert ask(one, file=rewritten(printed, {"张三".encode(): "李四".encode()})) == "altered"
    assert ask(one, file=printed + b"%") in ("altered", "malformed")
    assert ask(one, file=b"hello") == "malformed"
    walker.wait(days=1).act("nominate")
    assert ask(one, file=printed) == "later"


NAME = "测试县农业农村局"


@pytest.fixture
def signed(world: World, walker: StoredWalker) -> bytes:
    """Its trail with the office's electronic seal."""
    office_seal.make(world.folder / office_seal.FOLDER, NAME, algorithm="p256", now=world.now)
    return printing.print_trail(world.person("auditor", XIUSHAN), case=CASE)


def test_a_file_with_the_office_s_seal_is_judged(world: World, signed: bytes) -> None:
    """One electronic seal, held against the office's own root; what stands behind it is an alteration."""
    assert MARK in signed
    one = stranger(world)
    assert ask(one, file=signed) == "newest"
    assert f"机关电子印章有效，盖章后没有改动：{NAME}，2026-" in one.text
    one.post("/language", {"lang": "en", "back": "/check"})
    assert ask(one, file=signed) == "newest"
    assert f"electronic seal holds and nothing was changed after it: {NAME}, " in one.text
    assert ask(one, file=ATTACKS["other_content"](signed)) == "altered"


def test_a_seal_by_another_root_or_a_revoked_one_is_not_the_office_s(
    world: World, signed: bytes, tmp_path: Path
) -> None:
    one, folder = stranger(world), world.folder / office_seal.FOLDER
    office_seal.renew(folder, now=world.now - timedelta(minutes=1), revoke=True)
    assert ask(one, file=signed) == "altered", "revoked before it was set"
    folder.rename(tmp_path / "elsewhere")
    assert ask(one, file=signed) == "newest"
    assert "没有机关的根证书" in one.text
    office_seal.make(folder, NAME, algorithm="p256", now=world.now)
    assert ask(one, file=signed) == "foreign"
    assert "不可采信" in one.text


def test_the_check_of_a_seal_is_limited(world: World, signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger_files, "SEAL_SECONDS", 0.05)
    assert ask(stranger(world), file=signed) == "altered", "what cannot be judged is not said to be true"


def test_a_bundle_is_judged(world: World, printed: bytes) -> None:
    """As the office makes it; with anything in it otherwise it is not true."""
    one, made = stranger(world), bundle_of(printed)
    assert ask(one, file=made) == "bundle"
    assert "真实" in one.text
    held = unzipped(made)
    assert ask(one, file=zipped({**held, "README.txt": b"x"}, is_listed=False)) == "altered"
    by_another = zipped({name: data for name, data in held.items() if "manifest" not in name})
    assert ask(one, file=by_another) == "unproven"


def bundle_of(printed: bytes) -> bytes:
    """A bundle of one print, as the office makes it."""
    files, out = files_of({CASE: printed}), io.BytesIO()
    write_zip(out, {name: partial(bytes, data) for name, data in files.items()},
              county="500241", checkpoint="", sign=print_seal("500241"))  # fmt: skip
    return out.getvalue()


def test_the_answer_holds_nothing_personal(world: World, printed: bytes) -> None:
    one = stranger(world)
    for kind, sent in (("code", code_on(printed)), ("file", printed)):
        assert ask(one, **{kind: sent}) == "newest"
        assert "张三" not in one.text
        assert "H0000001" not in one.text
    assert "<b>" not in one.post("/check", {"code": "<b>"}).text


def test_both_languages(world: World, printed: bytes) -> None:
    one = stranger(world)
    one.post("/language", {"lang": "en", "back": "/check"})
    assert ask(one, code=code_on(printed)) == "newest"
    assert "no entries came later" in one.text


def test_strangers_are_throttled_and_lock_nobody_out(world: World, printed: bytes) -> None:
    one, code = stranger(world), code_on(printed)
    assert {ask(one, code="hello") for _ in range(10)} == {"form"}
    assert ask(one, code=code) == "429"
    assert "请" in one.text
    assert "logout" in browser(world, world.person("auditor", XIUSHAN)).text
    world.now += timedelta(minutes=20)
    assert ask(one, code=code) == "newest"


def test_a_form_without_its_token_is_refused(world: World) -> None:
    one = stranger(world)
    assert one.post("/check", {"code": "x"}, token=False).status == 400


def test_a_large_file_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.views.LARGEST", 1000)
    assert ask(stranger(world), file=b"%PDF-" + bytes(200_000)) == "413"


@pytest.mark.parametrize("program", ["while True: pass", "x = bytearray(1 << 40)", "raise SystemExit(3)"])
def test_what_hangs_or_fills_the_memory_is_no_print(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(stranger_files, "SECONDS", 1.0)
    file = tmp_path / "program.py"
    file.write_text(program)
    assert stranger_files.judged(file, b"", ()).status == 4


def test_two_at_a_time(world: World, tmp_path: Path) -> None:
    places = [stranger_files._a_place() for _ in range(3)]
    with places[0], places[1], pytest.raises(Throttled), places[2]:
        pass


def test_no_file_is_kept(world: World, printed: bytes, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert ask(stranger(world), file=printed) == "newest"
    assert {path.name for path in tmp_path.rglob("*") if path.is_file() and path not in before} <= {
        ".check-0.lock", ".check-1.lock"
    }  # fmt: skip
