"""Who hears what an automation wants told, and that one was switched off by itself."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import resident_accounts
from community.home_automations.access import managing, may_be_told
from community.home_automations.models import HomeAutomationRun
from community.home_automations.notices import OFF, TOLD
from community.home_automations.repository import Owner
from community.home_automations.rules.definitions import NoticeAction
from notifications.api import send


async def tell(session: AsyncSession, owner: Owner, run: HomeAutomationRun, action: NoticeAction, place: int) -> int:
    """Tell those an action names and who may still know of the home; return how many that are."""
    connection, now = await session.connection(), clock.now()
    accounts = set(action.account_ids)
    if accounts:
        accounts &= await may_be_told(connection, owner.resident_id, now)
    if action.to_resident:
        accounts |= set((await resident_accounts(connection, [owner.resident_id])).values())
    if accounts:
        await send(
            session,
            TOLD,
            sorted(accounts),
            community_id=owner.community_id,
            dedupe_key=f"home_automation:{run.id}:{place}",
            variables={"about": action.text, "name": owner.name, "at": run.fired_at},
            about=owner.resident_id,
            data={"home_id": str(owner.home_id), "home_automation_id": str(owner.id)},
        )
    return len(accounts)


async def tell_off(session: AsyncSession, owner: Owner, run_id: uuid.UUID, because: str, at: datetime) -> None:
    """Tell the resident, and whoever manages their home, that an automation was switched off: once."""
    connection = await session.connection()
    accounts = await managing(connection, owner.resident_id, at)
    accounts |= set((await resident_accounts(connection, [owner.resident_id])).values())
    await send(
        session,
        OFF,
        sorted(accounts),
        community_id=owner.community_id,
        dedupe_key=f"home_automation:{run_id}:off",
        variables={"because": because, "name": owner.name, "at": at},
        about=owner.resident_id,
        data={"home_id": str(owner.home_id), "home_automation_id": str(owner.id)},
    )
