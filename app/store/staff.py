"""What a sheet of staff is held against: accounts, offices from today on, areas, addresses; each in one query."""

from collections.abc import Iterable, Sequence

from sqlalchemy import or_, select

from app.tables import Appointment, Area, ChannelAddress, User, db

LEVELS = ("county", "township", "village", "grid")


def users(*, names: Iterable[str], people: Iterable[str]) -> Sequence[User]:
    """Return the accounts that have one of some log-in names or belong to one of some people."""
    wanted = or_(User.username.in_(sorted(set(names))), User.person.in_(sorted(set(people))))
    return db.session.scalars(select(User).where(wanted).order_by(User.id)).all()


def active_users(counties: Iterable[str], *, after: str, limit: int) -> Sequence[User]:
    """Return the active accounts of some counties by log-in name, a page at a time."""
    query = select(User).where(User.county.in_(list(counties)), User.active.is_(True), User.username > after)
    return db.session.scalars(query.order_by(User.username).limit(limit)).all()


def terms(user_ids: Iterable[int], today: str) -> Sequence[Appointment]:
    """Return the offices that some accounts hold or will hold, by the order in which they were given."""
    query = select(Appointment).where(Appointment.user_id.in_(list(user_ids)))
    query = query.where(or_(Appointment.ends.is_(None), Appointment.ends > today))
    return db.session.scalars(query.order_by(Appointment.id)).all()


def term(number: int) -> Appointment:
    """Return an office by its number, to be changed."""
    return db.session.get_one(Appointment, number, populate_existing=True)


def addresses(user_ids: Iterable[int]) -> dict[int, str]:
    """Return the mail addresses of some accounts."""
    query = select(ChannelAddress.user_id, ChannelAddress.address).where(
        ChannelAddress.user_id.in_(list(user_ids)), ChannelAddress.channel == "mail"
    )
    return {int(row.user_id): str(row.address) for row in db.session.execute(query)}


def places(counties: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return (code, name, parent) of all areas of some counties, those outside before those inside."""
    query = select(Area.code, Area.name, Area.parent).where(Area.county.in_(list(counties)), Area.level.in_(LEVELS))
    return [(code, name, parent or "") for code, name, parent in db.session.execute(query.order_by(Area.code))]
