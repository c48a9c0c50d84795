"""What an auditor finds in the demo year: items to be put right, one each time, in every state at its end."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services import cases, evidence, findings
from app.services.story import Stage, picture
from app.store.cases import household_of
from app.store.transaction import reading
from workflows.clock import local_date
from workflows.errors import AlreadyOpen
from workflows.model import Actor

PROOF = "rectification_proof"
BY_AUDITOR = ("accept", "return_answer", "withdraw_finding")


@dataclass
class Findings:
    """The rows of the table ``findings`` of the year, one after the other and round again."""

    table: Sequence[Mapping[str, Any]]
    stage: Stage
    area: str
    made: int = 0

    def find(self, seen: Sequence[str]) -> None:
        """Open the next item at the first of some cases' households that has none, and let those concerned act."""
        row, auditor = self.table[self.made % len(self.table)], self.stage.actor(self.area, "auditor", 0)
        data = {"found_by": "sample", "finding": row["finding"]}
        for number in seen:
            wanted = {"household": household_of(number), "level": row["level"], "data": data, "key": uuid.uuid4().hex}
            try:
                item = findings.find(auditor, **wanted).case
            except AlreadyOpen:
                continue
            self.made += 1
            for action in row["acts"]:
                self._act(item, action, row, auditor)
            return

    def _act(self, item: str, action: str, row: Mapping[str, Any], auditor: Actor) -> None:
        office = "township_officer" if row["level"] == "township" else "county_lead"
        actor = auditor if action in BY_AUDITOR else self.stage.actor(self.area, office, 0)
        files = [self._proof(actor, item)] if action == "answer" else []
        cases.act(actor, case=item, action=action, data=row["data"][action], evidence=files, key=uuid.uuid4().hex)

    def _proof(self, actor: Actor, item: str) -> Any:
        with reading() as now:
            day = local_date(now)
        drawn = picture("整改佐证材料", household_of(item), day)
        return evidence.take_in(actor, county=item[:6], kind=PROOF, data=drawn)
