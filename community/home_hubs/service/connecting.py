"""A home's Home Assistant is connected by its address and a token, tried anew, and let go."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, outbound, wakeups
from app.core.access import Actor
from app.core.sealing import seal
from app.core.settings import settings
from community.home_hubs import repository
from community.home_hubs.models import HUB_TOKEN, HUB_URL, HomeHub
from community.home_hubs.problems import HomeNotActive, HubAddressNotAllowed, HubNotConnected
from community.home_hubs.rules import WAKE, base_of, host_of
from community.home_hubs.schemas import HomeHubGive
from community.homes.access import HomeSubject


async def connect(session: AsyncSession, actor: Actor, home: HomeSubject, data: HomeHubGive) -> None:
    """Keep where a home's hub is and with which token it is asked; what was kept before ends.

    Whether that works is seen by whoever follows it. Raises ``HomeNotActive`` and ``HubAddressNotAllowed``.
    """
    if home.state != "active":
        raise HomeNotActive
    url = base_of(data.url)
    try:
        outbound.check_url(url, allow_private=settings().hubs.allow_private)
    except outbound.AddressForbidden:
        raise HubAddressNotAllowed from None
    row = await repository.of_home(session, home.id)
    if row is None:
        row = HomeHub(
            community_id=home.community_id, home_id=home.id, resident_id=home.resident_id, url="", host="", token=""
        )
        session.add(row)
    row.url, row.host, row.token = seal(url, HUB_URL), host_of(url), seal(data.token, HUB_TOKEN)
    row.software = row.connected_at = None
    _anew(row)
    await session.flush()
    await audit.record(session, actor, "home_hubs:connect", resident_id=home.resident_id, object_id=row.id)
    wakeups.request(session, WAKE)


async def try_again(session: AsyncSession, home: HomeSubject) -> None:
    """Have a home's hub tried at once; raises ``HubNotConnected``."""
    row = await repository.of_home(session, home.id)
    if row is None:
        raise HubNotConnected
    if row.state == "failing":
        _anew(row)
        await session.flush()
        wakeups.request(session, WAKE)


async def disconnect(session: AsyncSession, actor: Actor, home: HomeSubject) -> None:
    """Forget a home's hub and its token, whoever follows it lets go; raises ``HubNotConnected``."""
    row = await repository.of_home(session, home.id)
    if row is None:
        raise HubNotConnected
    await session.delete(row)
    await session.flush()
    await audit.record(session, actor, "home_hubs:disconnect", resident_id=home.resident_id, object_id=row.id)


def _anew(row: HomeHub) -> None:
    # A higher fence takes it out of the hands of whoever follows it as it was.
    row.state, row.error, row.failures = "waiting", None, 0
    row.next_try_at, row.lease_until, row.fence = clock.now(), None, row.fence + 1
