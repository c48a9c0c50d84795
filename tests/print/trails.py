"""A builder of honest trails: a small made-up definition and pack, entries sealed as the
journal does it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.clock import utc_text
from workflows.journal import GENESIS, canonical, commit, digest, seal

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUSEHOLD = "500241H0000001"
CASE = f"{HOUSEHOLD}-C1"
STATUS = f"{HOUSEHOLD}-M1"
Body = dict[str, Any]


def label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _step(gate: str, state: str, name: Mapping[str, str], action: str, done: Mapping[str, str]) -> Body:
    return {
        "id": action,
        "gate": gate,
        "state": state,
        "state_label": name,
        "action": action,
        "label": done,
    }


DEFINITION = canonical(
    {
        "format": "fp-definition-v1",
        "id": "household_case",
        "label": label("监测对象认定与风险消除", "Identification and elimination"),
        "purposes": [{"id": "include", **label("识别纳入", "Inclusion")}],
        "gates": [
            {"id": "nominate", "label": label("村提名", "Village nomination")},
            {"id": "verify", "label": label("入户核实", "Verification at home")},
            {"id": "township_audit", "label": label("乡镇联合审核", "Joint township audit")},
        ],
        "steps": [
            _step(
                "nominate",
                "clue_open",
                label("线索待提名", "Clue open"),
                "nominate",
                label("村提名", "Nominate"),
            ),
            _step(
                "verify",
                "verifying",
                label("待入户核实", "Awaiting verification"),
                "verify",
                label("入户核实", "Verify at home"),
            ),
            _step(
                "township_audit",
                "auditing",
                label("待乡镇审核", "Awaiting audit"),
                "township_audit",
                label("乡镇联合审核（同意）", "Township audit: agree"),
            ),
        ],
        "states": [{"id": "included", "label": label("已纳入", "Included"), "closed": True}],
        "actions": [
            {"id": "report_clue", "label": label("登记线索", "Report a clue")},
            {"id": "lapse", "label": label("时限到期", "Period ended")},
            {"id": "add_evidence", "label": label("补充佐证材料", "Add evidence")},
        ],
        "timers": [
            {"id": "id_total", "label": label("认定总时限", "Whole identification")},
            {"id": "verify", "label": label("入户核实", "Verification")},
        ],
        "evidence": {"visit_photo": label("入户照片", "Photo of the visit")},
        "fields": {
            "opinion": {"label": label("意见", "Opinion"), "type": "text", "personal": True},
            "income_per_head": {"label": label("人均纯收入", "Income per head"), "type": "money"},
            "housing_safe": {"label": label("住房安全", "Housing safe"), "type": "bool"},
            "visited_on": {"label": label("入户日期", "Visited on"), "type": "date"},
            "category": {
                "label": label("监测类型", "Category"),
                "type": "choice",
                "options": [{"id": "sudden", **label("突发严重困难户", "Sudden hardship")}],
            },
            "risks": {
                "label": label("风险类型", "Risks"),
                "type": "choices",
                "personal": True,
                "options": [
                    {"id": "illness", **label("因病", "Illness")},
                    {"id": "school", **label("因学", "School")},
                ],
            },
        },
    }
)

PACK = canonical(
    {
        "format": "fp-pack-v1",
        "id": "500241-test",
        "area": "500241",
        "label": label("秀山土家族苗族自治县", "Xiushan County"),
        "sources": [
            {
                "id": "S4",
                "title": "坚决防止规模性返贫的具体措施",
                "number": "秀委农组〔2022〕5号",
                "date": "2022-05-20",
            }
        ],
        "steps": [],
        "fields": {},
        "evidence": {},
    }
)

ACTORS = {
    "village": {
        "id": "u1",
        "name": "李明",
        "office": "500241001201",
        "office_name": "隘口镇平所村村民委员会",
        "person": "p1",
        "role": "village_cadre",
    },
    "town": {
        "id": "u2",
        "name": "王芳",
        "office": "500241001000",
        "person": "p2",
        "role": "township_officer",
    },
    "system": {
        "id": "system",
        "name": "系统",
        "office": "500241000000",
        "person": "system",
        "role": "system",
    },
}


class Builder:
    """Seals entries into one chain and keeps the personal values beside it."""

    def __init__(self, case: str = CASE, *, start: datetime = START) -> None:
        self.case, self.now = case, start
        self.entries: list[str] = []
        self.head = GENESIS
        self.disclosures: list[Body] = []

    def personal(self, field: str, value: str) -> dict[str, str]:
        """Commit to a personal value of the entry that comes next."""
        seq = len(self.entries) + 1
        salt = hashlib.sha256(f"{self.case}/{seq}/{field}".encode()).hexdigest()[:32]
        self.disclosures.append({"case": self.case, "seq": seq, "field": field, "salt": salt, "value": value})
        return commit(salt, field, value)

    def add(self, action: str, *, actor: str = "village", hours: int = 30, **parts: Any) -> None:
        """Seal one more entry; ``parts`` replace the empty defaults of the body."""
        self.now += timedelta(hours=hours)
        body: Body = {
            "county": "500241",
            "case": self.case,
            "seq": len(self.entries) + 1,
            "prev": self.head,
            "definition": f"household_case:{digest(DEFINITION)}",
            "policy": f"500241-test:{digest(PACK)}",
            "purpose": "include",
            "subject": f"household:{HOUSEHOLD}",
            "at": utc_text(self.now),
            "actor": ACTORS[actor],
            "behalf": None,
            "action": action,
            "gate": None,
            "source": "verifying",
            "target": "verifying",
            "closed": False,
            "changes": {},
            "evidence": [],
            "clauses": [],
            "deadlines": {"started": [], "ended": []},
            "command": f"k{len(self.entries)}",
        }
        sealed = seal({**body, **parts})
        self.entries.append(sealed.text)
        self.head = sealed.hash

    def chain(self) -> Body:
        return {
            "case": self.case,
            "definition": "household_case",
            "purpose": "include",
            "head": self.head,
            "entries": self.entries,
        }


def change(after: object, before: object = None) -> Body:
    return {"before": before, "after": after}


def started(kind: str, due: datetime, *, bound: str = "max", provisional: bool = False) -> Body:
    return {
        "kind": kind,
        "generation": 1,
        "start": utc_text(START),
        "due": utc_text(due),
        "bound": bound,
        "clause": "S4 17",
        "provisional": provisional,
    }


def ended(kind: str, due: datetime, how: str) -> Body:
    return {"kind": kind, "generation": 1, "due": utc_text(due), "how": how}


def opened(builder: Builder, *, head_name: str = "张镕堃", opinion: str = "家中突发大病，建议提名。") -> None:
    """Seal a life of six entries: clue, nomination, lapse, verification too late, audit in time."""
    due, total = datetime(2026, 3, 5, 16, tzinfo=UTC), datetime(2026, 3, 17, 16, tzinfo=UTC)
    photo = {"kind": "visit_photo", "sha256": "ab" * 32, "bytes": 348211, "mime": "image/jpeg"}
    builder.add(
        "report_clue",
        source="",
        target="clue_open",
        clauses=["S4 17"],
        changes={
            "head_name": change(builder.personal("head_name", head_name)),
            "area": change("500241001201"),
            "household_kind": change("ordinary"),
        },
        deadlines={"started": [started("id_total", total, provisional=True)], "ended": []},
    )
    builder.add(
        "nominate",
        gate="nominate",
        source="clue_open",
        target="verifying",
        changes={
            "category": change("sudden"),
            "risks": change(builder.personal("risks", '["illness","school"]')),
            "income_per_head": change(650000),
            "opinion": change(builder.personal("opinion", opinion)),
            "_hands": change({"nominate": ["p1"]}),
        },
        deadlines={"started": [started("verify", due)], "ended": []},
    )
    builder.add(
        "lapse",
        actor="system",
        changes={"lapsed": change({"kind": "verify", "generation": 1, "due": utc_text(due)})},
    )
    builder.add(
        "verify",
        gate="verify",
        source="verifying",
        target="auditing",
        evidence=[photo],
        behalf="王强",
        hours=50,
        changes={
            "income_per_head": change(612345, 650000),
            "housing_safe": change(True),
            "visited_on": change("2026-03-08"),
        },
        deadlines={"started": [], "ended": [ended("verify", due, "late")]},
    )
    builder.add("add_evidence", source="auditing", target="auditing", evidence=[photo])
    builder.add(
        "township_audit",
        actor="town",
        gate="township_audit",
        source="auditing",
        target="included",
        closed=True,
        changes={"opinion": change(builder.personal("opinion", "情况属实，同意。"))},
        clauses=["S4 17", "S4 附件"],
        deadlines={"started": [], "ended": [ended("id_total", total, "met")]},
    )


def trail(*builders: Builder, **parts: Any) -> str:
    """Return the canonical trail.json of some chains; the first one is the case asked for."""
    body: Body = {
        "format": "fp-trail-v1",
        "county": "500241",
        "case": builders[0].case,
        "household": HOUSEHOLD,
        "template": "trail-v1",
        "chains": [b.chain() for b in builders],
        "disclosures": [item for b in builders for item in b.disclosures],
        "texts": {digest(text): text for text in (DEFINITION, PACK)} if any(b.entries for b in builders) else {},
    }
    return canonical({**body, **parts})


def honest(**parts: Any) -> str:
    """Return a trail of two chains with nine entries in all."""
    first, second = Builder(), Builder(STATUS)
    opened(first)
    for _ in range(3):
        second.add("add_evidence")
    return trail(first, second, **parts)


def long(
    entries: int,
    *,
    opinion: str = "经入户核实，收入下降，住院自付较高，住房和饮水安全，同意按程序办理。",
) -> str:
    """Return a trail of one chain of the given length."""
    builder = Builder()
    opened(builder)
    for n in range(entries - 6):
        builder.add(
            "verify",
            gate="verify",
            hours=3,
            clauses=["S4 17"],
            changes={
                "opinion": change(builder.personal("opinion", f"{n}：{opinion}")),
                "income_per_head": change(650000 + n, 650000),
            },
            evidence=[
                {
                    "kind": "visit_photo",
                    "sha256": digest(str(n)),
                    "bytes": 10_000 + n,
                    "mime": "image/jpeg",
                }
            ],
        )
    return trail(builder)


def altered(text: str, edit: Callable[[Body], None]) -> str:
    """Return a trail with something changed and written canonically again."""
    body = json.loads(text)
    edit(body)
    return canonical(body)
