"""Services of a community and who offers them, really committed."""

from datetime import timedelta
from typing import Any

from app.core.database import unit_of_work
from app.identity.models import Community, Organization
from community.housekeeping.models import HomeService, ServiceOffer

CLEANING: dict[str, Any] = {
    "category": "cleaning",
    "name": {"en": "Cleaning", "zh-CN": "保洁"},
    "skills": ["cleaning"],
    "expected_duration": "PT2H",
    "checklist": [{"code": "kitchen", "text": {"en": "The kitchen", "zh-CN": "厨房"}}],
}
HOURLY: dict[str, Any] = {
    "unit": "hour",
    "amount": 6000,
    "currency": "CNY",
    "shortest": "PT2H",
    "longest": "PT6H",
    "weekend_percent": 20,
    "holiday_percent": 100,
    "areas": [{"code": "town", "latitude": 31.23, "longitude": 121.47, "radius": 10000, "amount": 500}],
    "options": [{"code": "windows", "name": {"en": "Windows", "zh-CN": "擦窗"}, "amount": 3000, "most": 4}],
}
SUNDAY: dict[str, Any] = {"starts_at": "2026-03-08T09:00:00+08:00", "latitude": 31.23, "longitude": 121.48}


async def service(of: Community) -> HomeService:
    """Insert a service of the catalogue."""
    values = CLEANING | {"expected_duration": timedelta(hours=2)}
    async with unit_of_work() as session:
        row = HomeService(community_id=of.id, code="garden", **values)
        session.add(row)
    return row


async def offer(by: Organization, of: HomeService) -> ServiceOffer:
    """Insert what an organization takes for a service."""
    hours = {"shortest": timedelta(hours=2), "longest": timedelta(hours=6), "step": timedelta(minutes=30)}
    async with unit_of_work() as session:
        row = ServiceOffer(community_id=of.community_id, organization_id=by.id, service_id=of.id, **HOURLY | hours)
        session.add(row)
    return row
