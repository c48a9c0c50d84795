"""A county to walk through: real areas of Xiushan, made-up households and one account for each office."""

from dataclasses import dataclass
from datetime import timedelta

from app.services import areas, people
from app.store.transaction import reading, writing
from app.tables import AccessRow, Area, CaseRow, Household, JournalRow, Member, db
from tests.factories import Walker, subject
from tests.world import PASSWORD, World, id_number

COUNTY = "500241"
VILLAGE = "500241103204"
GRID = f"{VILLAGE}001"
HOUSEHOLD = subject(VILLAGE, 1).number
HEAD = "田秀英"
ACCOUNTS = {  # username: name, role, area
    "wangge": ("罗网格", "grid_member", GRID),
    "cunganbu": ("杨村支书", "village_cadre", VILLAGE),
    "gongzuodui": ("陈队长", "resident_team", VILLAGE),
    "yibaoju": ("吴科长", "sector_dept", "500241000000"),
    "xiangzhenban": ("彭干事", "township_officer", "500241103000"),
    "fenguanlingdao": ("冉镇长", "township_leader", "500241103000"),
    "xianbangongshi": ("石主任", "county_lead", "500241000000"),
    "bangfuren": ("白老师", "helper", "500241000000"),
    "shenji": ("何审计", "auditor", "500241000000"),
}
NEIGHBOURS = (("向大山", ""), ("龙翠花", "verifying"), ("姚国强", "comparing"), ("麻小妹", "posting"))
ROLES = {role: username for username, (_, role, _) in ACCOUNTS.items()}


@dataclass
class Town:
    """The county of a world; call everything inside its application context."""

    world: World

    def settle(self) -> None:
        """Add areas, accounts, the household that walks and neighbours whose cases stand elsewhere."""
        areas.import_shipped(COUNTY)
        with writing():
            db.session.add(Area(code=GRID, name="第一网格", level="grid", parent=VILLAGE, county=COUNTY))
        for username, (name, role, area) in ACCOUNTS.items():
            people.add_user(
                username=username,
                name=name,
                password=PASSWORD,
                county=COUNTY,
                offices=[(role, area)],
                id_number=id_number(username),
            )
            self.world.accounts[f"{role}-{area}"] = people.actor_named(username)
        self.add_household(1, HEAD, GRID)
        for serial, (head, state) in enumerate(NEIGHBOURS, 2):
            self.add_household(serial, head, VILLAGE)
            self._walk_to(serial, state)

    def _walk_to(self, serial: int, state: str) -> None:
        walker: Walker = self.world.walker(serial, VILLAGE)
        walker.clue(who=self.world.accounts[f"village_cadre-{VILLAGE}"])
        if state:
            walker.walk(to=state)

    def add_household(self, serial: int, head: str, area: str) -> None:
        """Add a household of two."""
        number = subject(VILLAGE, serial).number
        with writing():
            db.session.add(
                Household(
                    county=COUNTY,
                    number=number,
                    area=area,
                    village=VILLAGE,
                    township="500241103000",
                    group_name="第三村民小组",
                    head_name=head,
                    head_key=f"head{serial}",
                    member_count=2,
                    kind="ordinary",
                    phone="13900000000",
                    created_at="2026-01-01T00:00:00Z",
                )
            )
            db.session.flush()
            for position, (name, relation) in enumerate(((head, "head"), (f"{head[0]}小龙", "son")), 1):
                db.session.add(
                    Member(
                        county=COUNTY,
                        household=number,
                        position=position,
                        name=name,
                        relation=relation,
                        id_key=f"person{serial}-{position}",
                        id_masked="999999********0018",
                        id_cipher="-",
                    )
                )

    def wait(self, *, days: int) -> None:
        """Let days pass."""
        self.world.now += timedelta(days=days)

    # --- what stands in the database ---
    def cases(self, serial: int = 1) -> dict[str, tuple[str, int]]:
        """State and number of entries of each case of a household, by the end of its number."""
        with reading():
            rows = db.session.query(CaseRow).filter(CaseRow.number.startswith(f"{subject(VILLAGE, serial).number}-"))
            return {row.number.rpartition("-")[2]: (row.state, row.seq) for row in rows}

    def state(self, ending: str) -> str:
        """The state of one of its cases."""
        return self.cases()[ending][0]

    def journal_size(self) -> int:
        """How many entries there are in all."""
        with reading():
            return db.session.query(JournalRow).count()

    def ledger(self, kind: str) -> int:
        """How many lines of a kind the access ledger holds."""
        with reading():
            return db.session.query(AccessRow).filter(AccessRow.text.contains(f'"kind":"{kind}"')).count()
