"""Pages of accounts: members' labels, numbers never shown, offices given and ended, log-in behind a proxy."""

from app.services import areas
from app.services.households import import_households
from tests.unit.roster_books import HEAD, WIFE, book
from tests.web.site import browser
from tests.world import World

AREA = "500241103204"


def test_sex_is_shown_in_the_readers_words(world: World) -> None:
    areas.import_shipped(AREA[:6])
    clerk = world.person("county_lead", AREA)
    import_households(clerk, data=book([HEAD, WIFE]))
    one = browser(world, clerk).get("/households/500241H0000001")
    assert "<span>户主 · 男" in one.text
    assert "<span>配偶 · 女" in one.text
    one.post("/language", {"lang": "en", "back": "/households/500241H0000001"})
    assert "· female" in one.text
