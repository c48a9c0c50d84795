"""What the policy says, written apart from the program: from the domain notes and the source documents alone.

It keeps its own picture of one household and tells, for a person, an act and a moment, every reason why the act must be
refused. It imports nothing of the program.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

import chinese_calendar

CHINA = timezone(timedelta(hours=8))
VILLAGE = {"village_cadre", "resident_team"}
TOWNSHIP = {"township_officer", "township_leader"}
COUNTY = {"county_lead"}
DIGITS = {
    "grid_member": 15, "village_cadre": 12, "resident_team": 12, "township_officer": 9, "township_leader": 9,
    "county_lead": 6, "sector_dept": 6, "helper": 6, "auditor": 6, "upper_level": 4, "admin": 6,
}  # fmt: skip
ANYBODY = {*DIGITS} - {"auditor", "upper_level", "admin"}

# S2 chapter 5 section 1 and the domain notes, section 2: where a case waits, who completes it, with which act.
STEPS = {
    "clue_open": ("nominate", VILLAGE),
    "nominated": ("sign_authorization", VILLAGE),
    "verifying": ("verify", VILLAGE),
    "comparing": ("record_comparison", {"county_lead", "sector_dept"}),
    "reviewing": ("record_review", VILLAGE),
    "posting": ("post_notice", VILLAGE),
    "publicizing": ("close_publicity", VILLAGE),
    "township_audit": ("township_audit", TOWNSHIP),
    "county_review": ("county_approve", COUNTY),
    "announcing": ("announce", TOWNSHIP),
    "registering": ("register", {"township_officer", "village_cadre"}),
}
# S4 (Xiushan) compares before the review, S2 (Fengdu) beside the notice; going out needs no new comparison.
IN = tuple(STEPS)
IN_BESIDE = tuple(place for place in STEPS if place != "comparing")
# W2 (Hainan) asks about assets before the visit.
IN_FIRST = (
    "clue_open",
    "nominated",
    "comparing",
    "verifying",
    *IN[4:],
)  # W2 (Hainan) asks about assets before the visit
OUT = tuple(place for place in STEPS if place not in ("nominated", "comparing"))
HELD = {
    "objection_hold": VILLAGE,
    "refused": {"village_cadre", "township_officer"},
    "appealing": TOWNSHIP,
}
GATE_OF = {
    "clue_open": "nominate", "verifying": "verify", "reviewing": "review", "posting": "review",
    "publicizing": "review", "objection_hold": "review", "township_audit": "township", "appealing": "township",
    "county_review": "county",
}  # fmt: skip
SEPARATE = {"verify", "township", "county"}
FIRST_OF_GATE = ("clue_open", "verifying", "reviewing", "township_audit")
HELPER_ASIDE = {"reviewing", "objection_hold", "township_audit", "appealing", "county_review"}
BESIDE = {  # acts that complete no step: where, by whom ("" = those it waits for), where to
    "close_no_risk": ({"clue_open"}, None, "clue_closed_no_risk"),
    "refuse": ({"verifying", "comparing", "reviewing", "township_audit", "county_review"}, None, "refused"),
    "fail_review": ({"reviewing"}, None, "refused"),
    "tell_refusal": ({"refused"}, None, "closed_ineligible"),
    "appeal": ({"closed_ineligible"}, VILLAGE | TOWNSHIP | COUNTY, "appealing"),
    "uphold_appeal": ({"appealing"}, None, "verifying"),
    "dismiss_appeal": ({"appealing"}, None, "closed_final"),
    "object": ({"publicizing"}, ANYBODY - {"sector_dept"}, "objection_hold"),
    "dismiss_objection": ({"objection_hold"}, None, "publicizing"),
    "uphold_objection": ({"objection_hold"}, None, "reviewing"),
    "withdraw": ({*IN[:9], "objection_hold"}, VILLAGE | {"township_officer"}, "withdrawn"),
    "merge_duplicate": (set(IN[:7]), TOWNSHIP | COUNTY, "merged"),
    "fast_track": (set(IN[:9]), TOWNSHIP | COUNTY, ""),
    "return_case": (set(IN[2:9]), None, ""),
    "recuse": ({*STEPS, *HELD}, VILLAGE | TOWNSHIP | COUNTY | {"sector_dept"}, ""),
}
CLEAN = {"withdraw", "merge_duplicate", "fast_track"}  # weigh no gate, and are still none for the own household
CLERICAL = {"tell_refusal", "appeal", "object", "recuse"}
CLOSED = {"concluded", "clue_closed_no_risk", "closed_ineligible", "closed_final", "withdrawn", "merged"}
DROPS = {"close_no_risk", "tell_refusal", "withdraw", "merge_duplicate", "dismiss_appeal"}
STATUS_ACTS = {
    "flag_safety_net": ({"active"}, {"village_cadre", "township_officer"}),
    "unflag_safety_net": ({"active_safety_net"}, {"village_cadre", "township_officer"}),
    "close_natural": ({"active", "active_safety_net", "eliminated_observing", "eliminated_stable"}, TOWNSHIP),
}
HELPER_ACTS = {"assign_helper": {"assigning"}, "change_helper": {"planning", "watching", "stable"}}
ASSIGNERS = {"village_cadre", *TOWNSHIP, *COUNTY}
CASE_ACTS = (*(act for act, _ in STEPS.values()), *BESIDE)


@dataclass(frozen=True)
class Who:
    """A person: account, human being, and offices as (role, area code)."""

    account: str
    person: str
    offices: tuple[tuple[str, str], ...]


def day_of(moment: datetime) -> date:
    """The day in China."""
    return moment.astimezone(CHINA).date()


def midnight_after(day: date) -> datetime:
    """The end of a day in China."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=1)


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day (Civil Code art. 202)."""
    year, month = divmod(day.month - 1 + months, 12)
    for number in range(day.day, 27, -1):
        try:
            return date(day.year + year, month + 1, number)
        except ValueError:
            continue
    return date(day.year + year, month + 1, day.day)


def first_workday(day: date) -> date:
    """The day itself, or the next on which offices work (Civil Code art. 203); beyond the notices weekends are off."""
    while not _is_workday(day):
        day += timedelta(days=1)
    return day


def _is_workday(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


@dataclass
class Oracle:
    """One household as the policy sees it."""

    area: str
    people: frozenset[str]
    compares: str = "before"  # the review, "beside" the notice, or "first" of all
    bars: bool = False  # W3 (Hainan): whether unsolved guarantees bar elimination; elsewhere they warn
    announces_out: frozenset[str] = frozenset(TOWNSHIP)
    place: str = ""
    purpose: str = ""
    status: str = "none"
    came_from: str = "none"
    hands: dict[str, set[str]] = field(default_factory=dict)
    refusers: set[str] = field(default_factory=set)
    recused: set[str] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)  # from verifying anew after an appeal
    verified_by: set[str] = field(default_factory=set)
    flagged_by: dict[str, str] = field(default_factory=dict)
    compared: bool = False
    fast: bool = False
    sound: bool = True
    posted: datetime | None = None
    told: datetime | None = None
    eliminated: datetime | None = None
    assist: str = "none"
    assist_from: str = "ended"
    helper: str = ""
    helpers: set[str] = field(default_factory=set)

    # --- questions ------------------------------------------------------------
    @property
    def order(self) -> tuple[str, ...]:
        """Where a case waits, one place after the other."""
        if self.purpose == "eliminate":
            return OUT
        return {"before": IN, "beside": IN_BESIDE, "first": IN_FIRST}[self.compares]

    @property
    def compares_beside(self) -> bool:
        """Whether the comparison runs beside the notice."""
        return self.compares == "beside"

    def roles_at(self, place: str) -> set[str]:
        """Who completes the step that a place waits for."""
        if place == "announcing" and self.purpose == "eliminate":
            return set(self.announces_out)
        return STEPS[place][1]

    @property
    def is_open(self) -> bool:
        """Whether a case is under way."""
        return bool(self.place) and self.place not in CLOSED

    def earlier(self) -> list[str]:
        """Where a case may be returned to."""
        before = self.order[: self.order.index(self.place)] if self.place in self.order else ()
        return [place for place in before if place in FIRST_OF_GATE]

    def standing(self, who: Who, roles: Iterable[str]) -> set[str]:
        """Reasons of office and area."""
        held = [(role, area) for role, area in who.offices if role in roles]
        near = [(role, area) for role, area in held if self._covers(role, area)]
        if any(role != "helper" or self.is_helper(who) for role, _ in near):
            return set()
        return {"wrong_office"} if near or not held else {"out_of_area"}

    def is_helper(self, who: Who) -> bool:
        """Whether this account is the household's present helper."""
        return self.assist not in ("none", "ended") and bool(self.helper) and self.helper == who.account

    def _covers(self, role: str, area: str) -> bool:
        return self.area.startswith(area[: DIGITS[role]])

    # --- reasons ------------------------------------------------------------
    def reasons(self, who: Who, act: str, now: datetime) -> set[str]:
        """Every reason why an act with good input must be refused now; an empty set when it must succeed."""
        if act in STATUS_ACTS:
            return self._status_reasons(who, act)
        if act in HELPER_ACTS:
            wrong = set() if self.assist in HELPER_ACTS[act] else {"wrong_state"}
            # The domain notes, section 2: who is related steps aside; nobody sees to the help of the own household.
            return wrong | self.standing(who, ASSIGNERS) | ({"own_household"} if who.person in self.people else set())
        if act in BESIDE:
            return self._beside_reasons(who, act, now)
        return self._step_reasons(who, act, now)

    def open_reasons(self, who: Who, purpose: str) -> set[str]:
        """Why a new case may not be opened: one open case, and only by those whose status fits."""
        found = self.standing(who, ANYBODY)
        if self.is_open:
            found.add("already_open")
        if self.status not in self._fitting(purpose):
            found.add("wrong_state")
        return found

    def _fitting(self, purpose: str) -> set[str]:
        fresh = {"none", "eliminated_observing", "eliminated_stable", "closed_natural"}
        return {"active"} if purpose == "eliminate" else fresh

    def _step_reasons(self, who: Who, act: str, now: datetime) -> set[str]:
        place = next(p for p, (name, _) in STEPS.items() if name == act)
        beside = act == "record_comparison" and self.compares_beside and self.purpose == "include"
        if beside:
            there = self.place in ("publicizing", "objection_hold")
        else:
            there = self.place == place and place in self.order
        found = self.standing(who, self.roles_at(place)) | self._unclean(who, "comparing" if beside else place)
        if not there:
            known = place in self.order or (act == "record_comparison" and self.purpose == "include")
            return found | ({"wrong_state"} if known else {"unknown_action"})
        if act == "close_publicity":
            found |= self._notice_reasons(now)
        if act == "verify" and who.person in self.verified_by:
            found.add("already_signed")
        if beside and self.compared:
            found.add("already_signed")
        if act in ("township_audit", "county_approve") and self.purpose == "eliminate":
            found |= set() if self.status == "active" else {"wrong_state"}
            found |= {"condition_bars"} if self.bars and not self.sound else set()
        return found

    def _notice_reasons(self, now: datetime) -> set[str]:
        """S4 17: not less than five days; S2: the comparison beside it is done."""
        assert self.posted is not None
        early = now < midnight_after(day_of(self.posted) + timedelta(days=5))
        lacking = self.compares_beside and self.purpose == "include" and not self.compared
        return ({"too_early"} if early else set()) | ({"step_open"} if lacking else set())

    def _beside_reasons(self, who: Who, act: str, now: datetime) -> set[str]:
        places, roles, _ = BESIDE[act]
        current = HELD.get(self.place) or (self.roles_at(self.place) if self.place in STEPS else set())
        found = self.standing(who, roles or current)
        if act not in CLERICAL:
            found |= self._own(who) if act in CLEAN else self._unclean(who, self.place)
        if self.place not in places or (act == "fast_track" and self.purpose != "include"):
            return found | {"wrong_state"}
        if act == "fast_track" and self.fast:
            found.add("already_signed")
        if act == "appeal":
            found |= self._appeal_reasons(now)
        if act in ("uphold_appeal", "dismiss_appeal"):
            signed = set().union(*self.hands.values()) | self.refusers
            found |= {"same_hand"} if who.person in signed else set()
        return found

    def _appeal_reasons(self, now: datetime) -> set[str]:
        assert self.told is not None
        late = now >= midnight_after(months_after(day_of(self.told), 1))
        found = {"too_late"} if late else set()
        return found if self.status in self._fitting(self.purpose) else found | {"wrong_state"}

    def _own(self, who: Who) -> set[str]:
        found = {"own_household"} if who.person in self.people else set()
        return found | ({"recused"} if who.person in self.recused else set())

    def _unclean(self, who: Who, place: str) -> set[str]:
        found = self._own(who)
        if who.person in self.helpers and place in HELPER_ASIDE:
            found.add("helper_steps_aside")
        gate = GATE_OF.get(place, "")
        if gate in SEPARATE and any(who.person in self.hands.get(g, ()) for g in SEPARATE - {gate}):
            found.add("same_hand")
        if gate == "verify" and who.person in self.barred:
            found.add("same_hand")
        return found

    def _status_reasons(self, who: Who, act: str) -> set[str]:
        places, roles = STATUS_ACTS[act]
        found = self.standing(who, roles)
        found |= {"own_household"} if who.person in self.people else set()
        if self.status not in places:
            return found | {"wrong_state"}
        if act == "close_natural" and self.is_open:
            found.add("already_open")
        if act != "close_natural":
            free = [r for r, area in who.offices if r in roles and self._covers(r, area) and r not in self.flagged_by]
            if who.person in self.flagged_by.values() or (not found and not free):
                found.add("already_signed")
        return found

    # --- what an act does ------------------------------------------------------------
    def open(self, purpose: str) -> None:
        """A new case: clean hands, empty slate."""
        self.place, self.purpose = "clue_open", purpose
        self.hands, self.refusers, self.recused, self.verified_by, self.barred = {}, set(), set(), set(), set()
        self.compared = self.fast = False
        self.sound = True
        self.posted = self.told = None
        if purpose == "include":
            self._candidate()

    def done(self, who: Who, act: str, now: datetime, *, target: str = "", sound: bool = True) -> None:
        """Take note of an act that succeeded."""
        if act in BESIDE:
            self._beside_done(who, act, now, target)
        else:
            self._step_done(who, act, now, sound)

    def _step_done(self, who: Who, act: str, now: datetime, sound: bool) -> None:
        place = next(p for p, (name, _) in STEPS.items() if name == act)
        self._sign(who, place)
        if act == "record_comparison" and place not in self.order:
            self.compared = True
            return
        if act == "verify":
            self.sound = sound if not self.verified_by else self.sound
            self.verified_by.add(who.person)
            if len(self.verified_by) < 2:
                return
            self.verified_by = set()
        if act == "post_notice":
            self.posted = now
        if act == "county_approve":
            self._decided(now)
        following = (*self.order, "concluded")
        self.place = following[following.index(place) + 1]

    def _beside_done(self, who: Who, act: str, now: datetime, target: str) -> None:
        if act == "recuse":
            self.recused.add(who.person)
            return
        if act not in CLERICAL | CLEAN:
            self._sign(who, self.place)
        if act in ("refuse", "fail_review"):
            self.refusers.add(who.person)
        if act == "fast_track":
            self.fast = True
            self.assist_from = self.assist if self.assist in ("watching", "stable") else "ended"
            self._help()
            return
        if act == "tell_refusal":
            self.told = now
        self.verified_by = set()
        self.compared = self.compared and (target or BESIDE[act][2]) not in ("clue_open", "verifying")
        if act == "uphold_appeal":
            self.barred |= self.hands.get("verify", set()) | self.refusers
            self.fast = False
        self.place = target or BESIDE[act][2]
        if self.purpose == "include":
            if act == "appeal":
                self._candidate()
            elif act in DROPS:
                self._drop()

    def _sign(self, who: Who, place: str) -> None:
        if place in GATE_OF:
            self.hands.setdefault(GATE_OF[place], set()).add(who.person)

    def _candidate(self) -> None:
        # Struck off as gone and nominated again: the household is there, and watched or not as this case ends.
        before = "none" if self.status == "closed_natural" else self.status
        self.came_from, self.status, self.flagged_by = before, "candidate", {}

    def _drop(self) -> None:
        self.status = self.came_from
        if self.assist in ("assigning", "planning"):
            self.assist = self.assist_from

    def _decided(self, now: datetime) -> None:
        self.flagged_by = {}
        if self.purpose == "include":
            self.status = "active"
            self._help()
        else:
            self.status, self.eliminated = "eliminated_observing", now
            self.assist = "watching"

    def _help(self) -> None:
        if self.assist in ("none", "ended"):
            self.helper = ""
        if self.assist != "planning":
            self.assist = "assigning"

    def assigned(self, helper: Who) -> None:
        """A helper was named."""
        self.helper = helper.account
        self.helpers.add(helper.person)
        self.assist = "planning" if self.assist == "assigning" else self.assist

    def flagged(self, who: Who, act: str, role: str) -> None:
        """One of the two offices signed; with both the status changes."""
        self.flagged_by[role] = who.person
        if len(self.flagged_by) == 2:
            self.status = "active_safety_net" if act == "flag_safety_net" else "active"
            self.flagged_by = {}

    def gone(self) -> None:
        """The whole household is gone."""
        self.status, self.assist, self.flagged_by = "closed_natural", "ended", {}

    def watch_ends(self) -> datetime | None:
        """S3: six months of watching, to the end of a working day; None when the household is not watched."""
        if self.status != "eliminated_observing" or self.eliminated is None:
            return None
        return midnight_after(first_workday(months_after(day_of(self.eliminated), 6)))

    def stable(self) -> None:
        """Watching is over."""
        self.status = "eliminated_stable"
        self.assist = "stable" if self.assist == "watching" else self.assist
