"""Short factories: subjects, actors by role, and a walker that drives ``apply`` in memory with an injected clock."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from workflows.clock import local_date, parse_utc
from workflows.decide import Allowed, allowed_actions, apply
from workflows.definition import Step
from workflows.journal import Disclosure, check_chain, check_disclosures
from workflows.model import (
    ROLE_LEVELS,
    Actor,
    Case,
    Command,
    Dossier,
    Evidence,
    Office,
    Outcome,
    Subject,
    system_actor,
)
from workflows.registry import Rules, load_rules
from workflows.replay import replay

XIUSHAN = "500241001201"
FENGDU = "500230001201"
SUINING = "430527001201"
QINGYANG = "621025001201"  # a county of the prefecture
HAINAN = "469025001201"
EIGHT = "520998001201"  # a village of the imaginary county in tests/packs/eight-steps.toml
SEVEN = "520999001201"  # a village of the imaginary county in tests/packs/seven-steps.toml
PACKS = Path(__file__).with_name("packs")
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday, 10:00 in China
CUT = {"province": 2, "prefecture": 4, "county": 6, "township": 9, "village": 12, "grid": 15}


@cache
def rules() -> Rules:
    """The shipped rules and the test packs, compiled once for all tests."""
    return load_rules(PACKS)


def subject(area: str = XIUSHAN, serial: int = 1, **changes: Any) -> Subject:
    """A household in a village; its first member has the person key "head"."""
    values = {
        "kind": "household",
        "number": f"{area[:6]}H{serial:07}",
        "county": area[:6],
        "area": area,
        "name": "张三",
        "people": frozenset({"head"}),
    }
    return Subject(**{**values, **changes})


def office(role: str, area: str = XIUSHAN) -> Office:
    """An appointment at the level of the role, in the area that holds a village."""
    return Office(role, area[: CUT[ROLE_LEVELS[role]]].ljust(12, "0"))


def actor(role: str, area: str = XIUSHAN, *, person: str = "", account: str = "") -> Actor:
    """A person in one role; by default the same role and place give the same person."""
    key = person or f"{role}@{area}"
    return Actor(account or f"u-{key}", f"姓名{key}", key, (office(role, area),))


def actor_in(roles: Iterable[str], area: str = XIUSHAN, *, person: str, account: str = "") -> Actor:
    """A person who holds several offices."""
    return Actor(
        account or f"u-{person}",
        f"姓名{person}",
        person,
        tuple(office(role, area) for role in roles),
    )


def evidence(kind: str) -> Evidence:
    """A file of a kind; its digest is that of its name."""
    return Evidence(kind, hashlib.sha256(kind.encode()).hexdigest(), 1234, "image/jpeg")


def helper_value(person: Actor) -> dict[str, str]:
    """An actor as a field of type person holds it."""
    return {"id": person.id, "name": person.name, "person": person.person}


# What a person types into each field by default; dates are put in as the day of the act.
VALUES: dict[str, Any] = {
    "clue_source": "self_report",
    "clue_note": "家中有人患重病",
    "category": "unstable_alleviated",
    "risks": ["illness"],
    "income_per_head": 900_000,
    "income_members": 3,
    "income_wage": 2_100_000,
    "income_business": 900_000,
    "income_property": 0,
    "income_transfer": 100_000,
    "business_cost": 400_000,
    "judgement": "患病支出大，按户综合研判",
    "education_remark": "两名子女在校",
    "medical_remark": "全家已参保",
    "housing_remark": "砖混房",
    "water_remark": "自来水入户",
    "five_looks": ["housing", "school"],
    "five_looks_note": "无",
    "social_aid": "none",
    "portrait_income": 2_700_000,
    "portrait_illness": 1_200_000,
    "portrait_school": 0,
    "portrait": "夫妻二人，孩子上小学",
    "selfpaid_expense": 1_200_000,
    "labour_members": 1,
    "education_safe": True,
    "medical_safe": True,
    "housing_safe": True,
    "water_safe": True,
    "risk_gone": True,
    "income_stable": True,
    "expense_controlled": True,
    "application_way": "paper",
    "well_tested": True,
    "opinion": "同意",
    "reason": "情况属实",
    "note": "补充",
    "comparison_hits": 0,
    "comparison_note": "无疑点",
    "votes_due": 12,
    "votes_present": 10,
    "votes_for": 9,
    "votes_against": 1,
    "votes_abstain": 0,
    "posted_place": "村务公开栏",
    "publicity_result": "无异议",
    "sample_checked": True,
    "approval_number": "秀委农组〔2026〕1号",
    "national_number": "5002410000001",
    "told_reason": "收入高于监测范围",
    "objection_text": "该户有轿车",
    "objector": "李四",
    "merged_into": "500241H0000009-C1",
    "plan_text": "发展产业",
    "measures_planned": ["industry"],
    "measure_kind": "industry",
    "measure_amount": 200_000,
    "measure_note": "黄牛一头",
    "visit_mode": "home",
    "visit_note": "情况稳定",
    "evidence_kind": "other",
    "applied_by": "paper",
    "group_name": "第三村民小组",
    "group_opinion": "同意",
}
DATES = (
    "signed_on",
    "visited_on",
    "met_on",
    "announced_on",
    "told_on",
    "measure_on",
    "visit_on",
    "applied_on",
    "application_on",
    "looked_on",
)
ROLE_OF = {  # who takes an action in an ordinary walk
    "report_clue": "grid_member",
    "record_comparison": "sector_dept",
    "township_audit": "township_officer",
    "county_approve": "county_lead",
    "announce": "township_leader",
    "uphold_appeal": "township_leader",
    "dismiss_appeal": "township_leader",
    "withdraw": "village_cadre",
    "merge_duplicate": "township_leader",
    "fast_track": "township_leader",
    "close_natural": "township_leader",
    "record_plan": "helper",
    "deliver_measure": "helper",
    "record_visit": "helper",
}
DEFINITION_OF = {
    "assist": {"assign_helper", "change_helper", "record_plan", "deliver_measure", "record_visit"},
    "monitor_status": {"flag_safety_net", "unflag_safety_net", "close_natural", "stabilise"},
}
INCLUDE = (
    "nominate", "sign_authorization", "verify", "record_comparison", "record_review", "post_notice",
    "close_publicity", "township_audit", "county_approve", "announce", "register",
)  # fmt: skip
INCLUDE_FENGDU = (
    "nominate", "sign_authorization", "verify", "record_review", "post_notice", "record_comparison",
    "close_publicity", "township_audit", "county_approve", "announce", "register",
)  # fmt: skip
ELIMINATE = (
    "nominate", "verify", "record_review", "post_notice", "close_publicity", "township_audit", "county_approve",
    "announce", "register",
)  # fmt: skip


@dataclass
class Walker:
    """A household's dossier in memory: each act goes through ``apply``, and replay must equal the case after it."""

    household: Subject
    now: datetime = START
    using: Rules | None = None

    def __post_init__(self) -> None:
        self.rules = self.using or rules()
        self.dossier = Dossier(self.household)
        self.chains: dict[str, list[str]] = {}
        self.disclosures: list[Disclosure] = []
        self.outcomes: list[Outcome] = []
        self.extra: dict[str, Any] = {}
        self._commands = 0

    # --- questions ----------------------------------------
    @property
    def case(self) -> Case:
        """The newest case through the gates."""
        return self.latest("household_case")

    @property
    def state(self) -> str:
        """Where that case waits."""
        return self.case.state

    @property
    def status(self) -> str:
        """The household's monitoring status."""
        return self.latest("monitor_status").state

    @property
    def last(self) -> dict[str, Any]:
        """The entry that the last act sealed first."""
        return self.outcomes[-1].moves[0].entry.body

    def latest(self, definition: str) -> Case:
        """The newest case of a definition."""
        case = self.dossier.latest(definition)
        assert case is not None, definition
        return case

    def actor(self, role: str, person: str = "") -> Actor:
        """A person in a role over this household."""
        return actor(role, self.household.area, person=person)

    def allowed(self, who: Actor, case: Case | None = None) -> dict[str, Allowed]:
        """What a person may do on a case now, by action."""
        found = allowed_actions(self.rules, self.dossier, case or self.case, who, self.now)
        return {item.action: item for item in found}

    # --- acts ----------------------------------------
    def wait(self, **span: int) -> Self:
        """Let time pass."""
        self.now += timedelta(**span)
        return self

    def command(
        self,
        action: str,
        data: Mapping[str, Any],
        files: Iterable[str],
        purpose: str,
        case: Case | None,
    ) -> Command:
        """A command with a fresh key."""
        self._commands += 1
        definition = next((name for name, acts in DEFINITION_OF.items() if action in acts), "household_case")
        return Command(
            action=action,
            key=f"k{self._commands}",
            salt_seed=hashlib.sha256(str(self._commands).encode()).digest(),
            definition=case.definition if case else definition,
            case=case.number if case else None,
            purpose=purpose,
            data=data,
            evidence=tuple(evidence(kind) for kind in files),
        )

    def act(
        self,
        action: str,
        who: Actor | str = "",
        *,
        case: Case | None = None,
        purpose: str = "",
        without: Iterable[str] = (),
        files: Iterable[str] | None = None,
        **data: Any,
    ) -> Outcome:
        """Do an action with good input unless told otherwise; raise what ``apply`` raises and change nothing then."""
        person = who if isinstance(who, Actor) else self.actor(who or ROLE_OF.get(action, "village_cadre"))
        case = None if action == "report_clue" else case or self._case_for(action)
        form_fields, form_files = self._form(action, case, purpose)
        values = {**self._values(form_fields), **data}
        kept = {name: value for name, value in values.items() if name not in set(without)}
        given = [k for k in (form_files if files is None else files) if k not in set(without)]
        command = self.command(action, kept, given, purpose, case)
        return self.take(apply(self.rules, self.dossier, command, person, self.now))

    def clock(self, kind: str, definition: str = "household_case", action: str = "lapse") -> Outcome:
        """Let the system notice that a period has ended."""
        case = self.latest(definition)
        data = {"timer": kind, "generation": case.clocks[kind].generation}
        command = self.command(action, data, (), "", case)
        return self.take(apply(self.rules, self.dossier, command, system_actor(self.household.county), self.now))

    def after(self, kind: str, definition: str = "household_case", seconds: int = 0) -> Self:
        """Go to the end of a period."""
        self.now = parse_utc(self.latest(definition).clocks[kind].due) + timedelta(seconds=seconds)
        return self

    def take(self, outcome: Outcome) -> Outcome:
        """Record an outcome as the store would; replay of every chain must equal its case."""
        for move in outcome.moves:
            self.dossier = self.dossier.with_case(move.case)
            self.chains.setdefault(move.case.number, []).append(move.entry.text)
            self.disclosures += move.disclosures
            assert replay(self.chains[move.case.number]) == move.case
        self.outcomes.append(outcome)
        return outcome

    def check(self) -> None:
        """Every chain is intact and every disclosed value is the one committed to."""
        for case in self.dossier.cases:
            assert check_chain(case.number, self.chains[case.number], case.head, case.seq) == []
            assert replay(self.chains[case.number]) == case
        texts = {(number, seq): text for number, chain in self.chains.items() for seq, text in enumerate(chain, 1)}
        assert check_disclosures(texts, self.disclosures) == []

    # --- walks ----------------------------------------
    def clue(self, purpose: str = "include", who: Actor | str = "", **data: Any) -> Self:
        """Open a case."""
        person = who or ("village_cadre" if purpose == "eliminate" else "")
        self.act("report_clue", person, purpose=purpose, **data)
        return self

    def step(self, action: str) -> None:
        """Complete one step in the ordinary way, with all who must sign it and after any minimum period."""
        for kind, clock in self.case.clocks.items():
            if action == "close_publicity" and clock.bound == "min":
                self.now = max(self.now, parse_utc(self.case.clocks[kind].due))
        before = self.state
        step = self.rules.machine_of(self.case).step_of(action)
        assert step is not None, action
        for who in self.signers(action, step):
            self.act(action, who)
        assert self.state != before or action == "record_comparison", action

    def signers(self, action: str, step: Step) -> list[Actor]:
        """Those who sign a step: one, each role once, or as many people as it asks."""
        roles, mode = step.roles, step.sign.get("mode", "one")
        if mode == "all":
            return [self.actor(role) for role in roles]
        if mode == "any":
            asked = range(step.sign["count"])
            return [self.actor(roles[i % len(roles)], f"p{action}{i}" if i >= len(roles) else "") for i in asked]
        usual = ROLE_OF.get(action, roles[0])
        return [self.actor(usual if usual in roles else roles[0])]

    def walk(self, to: str = "") -> Self:
        """Complete step after step until the case waits in a state, or to its end."""
        while self.state != to and not self.case.closed:
            machine = self.rules.machine_of(self.case)
            done = self.case.fields.get("_done", [])
            for beside in machine.beside(self.state):
                if beside.id not in done:
                    self.step(beside.action)
            step = machine.step_at(self.state)
            assert step is not None, self.state
            self.step(step.action)
        return self

    def include(self) -> Self:
        """In through every gate."""
        return self.clue("include").walk()

    def eliminate(self) -> Self:
        """Out through every gate."""
        return self.clue("eliminate").walk()

    def assist(self, helper: Actor | None = None) -> Self:
        """Give the household a helper, a plan, a delivered measure."""
        self.act("assign_helper", helper=helper_value(helper or self.actor("helper")))
        self.act("record_plan", helper or self.actor("helper"))
        self.act("deliver_measure", helper or self.actor("helper"))
        return self

    # --- parts ----------------------------------------
    def _case_for(self, action: str) -> Case:
        definition = next((name for name, acts in DEFINITION_OF.items() if action in acts), "household_case")
        return self.dossier.open_case(definition) or self.latest(definition)

    def _form(self, action: str, case: Case | None, purpose: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        day = local_date(self.now)
        machine = (
            self.rules.machine_of(case)
            if case
            else self.rules.current("household_case", self.household.area, purpose, day)
        )
        form = machine.step_of(action) or machine.definition.actions.get(action)
        if form is None:
            return (), ()
        return form.fields, tuple("other" if kind == "@any" else kind for kind in form.evidence)

    def _values(self, fields: Iterable[str]) -> dict[str, Any]:
        today = local_date(self.now).isoformat()
        known = {**VALUES, **dict.fromkeys(DATES, today), **self.extra}
        return {name: known[name] for name in fields if name in known}


def walker(area: str = XIUSHAN, **changes: Any) -> Walker:
    """A walker for a household in a village."""
    return Walker(subject(area, **changes))


def included(area: str = XIUSHAN) -> Walker:
    """A household that came in through every gate."""
    return walker(area).include()


def exif_of(gps: Mapping[int, Any], photo: Mapping[int, Any]) -> Image.Exif:
    """EXIF with lines about the place (GPS) and about the photo."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(gps)
    exif.get_ifd(0x8769).update(photo)
    return exif


def photo_at(latitude: int, longitude: int, taken: str = "", *, shade: int = 90) -> bytes:
    """A real JPEG of a phone that writes where (micro-degrees) and when ("2026:03:02 10:15:00") it was taken."""
    axes = ((latitude, "NS"), (longitude, "EW"))
    lines: dict[int, Any] = {}
    for number, (micro, sides) in enumerate(axes):
        lines[number * 2 + 1] = sides[micro < 0]
        degrees, rest = abs(micro) // 1_000_000, abs(micro) % 1_000_000 * 60
        lines[number * 2 + 2] = (
            IFDRational(degrees, 1), IFDRational(rest // 1_000_000, 1), IFDRational(rest % 1_000_000 * 60, 1_000_000),
        )  # fmt: skip
    out = io.BytesIO()
    exif = exif_of(lines, {0x9003: taken} if taken else {})
    Image.new("RGB", (48, 32), (shade, 90, 255 - shade)).save(out, "JPEG", exif=exif)
    return out.getvalue()
