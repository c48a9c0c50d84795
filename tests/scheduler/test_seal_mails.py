"""Each checkpoint goes by mail to townships and auditors: a copy that whoever owns the database does not own."""

from app.services import anchors, mails, seals
from app.store.transaction import reading
from app.tables import Mail, db
from tests.scheduler.post_office import Office, serving, use
from tests.scheduler.seen import opened
from tests.scheduler.test_mail import NOWHERE, confirmed
from tests.world import World
from workflows.checkpoint import read_note

COUNTY = "500241"


def count() -> int:
    """How many mails with checkpoints there are."""
    with reading():
        return db.session.query(Mail).filter_by(kind="seal").count()


def test_a_checkpoint_reaches_those_who_keep_it(world: World) -> None:
    """The leader wants mails, the auditor none, the officer keeps none; what came holds against the log."""
    use(world, NOWHERE)
    confirmed(world.person("township_leader"), "leader@town.example", "digest")
    confirmed(world.person("auditor"), "auditor@county.example", "none")
    confirmed(world.person("township_officer"), "officer@town.example")
    opened(world)
    done = seals.seal(COUNTY)
    assert (done.is_new, count()) == (True, 1)
    assert (seals.seal(COUNTY).is_new, count()) == (False, 1)  # nothing changed, nothing to keep
    office = Office()
    with serving(office) as mailer:
        use(world, mailer)
        mails.send_due()
    message = next(one for one in office.got if one["To"] == "leader@town.example" and "封存点" in str(one["Subject"]))
    text = message.get_content().replace("\r\n", "\n")
    _, _, rest = text.partition("\n\n")
    note = read_note(rest.partition("\n\n-- \n")[0] + "\n")
    assert note.checkpoint().size == done.size
    assert anchors.against(COUNTY, note) is None


def test_without_a_mail_server_none_is_queued(world: World) -> None:
    use(world, NOWHERE)
    confirmed(world.person("township_leader"))
    use(world, None)
    opened(world)
    assert (seals.seal(COUNTY).is_new, count()) == (True, 0)
