"""What a subscriber is told when it is called: word of a resource, or the resource itself, if it may see it then."""

from typing import Final

import orjson

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import unseal
from app.fhir.elements import Json, base_url
from app.fhir.registry import Query
from app.fhir.subscriptions import repository, rules
from app.fhir.subscriptions.models import HEADERS
from app.fhir.subscriptions.service.seeing import Served, asked_by, criteria_of, named, seen
from notifications.api import Composed, ToCompose, stop_endpoint

_PAYLOAD_TYPE: Final = {"Content-Type": rules.PAYLOAD}


async def compose(delivery: ToCompose, served: Served) -> Composed | None:
    """Return the call (FHIR R4, Subscription, "Channel Types": rest-hook); ``None`` where nothing may be told.

    Without a payload it is empty, and its ``Link`` says what changed; with one the resource is put below the endpoint,
    as it is at this moment.
    """
    async with reading() as connection:
        row = await repository.one(connection, delivery.endpoint_id)
        if row is None or (row.ends_at is not None and row.ends_at <= clock.now()) or delivery.resident_id is None:
            return None
        asked = await asked_by(connection, row)
        found: list[Json] | None = None
        if asked is not None:
            resource = served[row.type]
            whose = named(resource, criteria_of(row, served))
            over = Query() if whose is None else _of(str(resource.compartment), whose)
            found = await seen(asked, resource, over, [delivery.data["id"]], delivery.resident_id)
    if asked is None:
        async with unit_of_work() as session:
            await stop_endpoint(session, row.id, "not_allowed")
    if not found:
        return None
    own = rules.headers(orjson.loads(unseal(row.headers, HEADERS))) if row.headers else {}
    address = f"/{delivery.data['type']}/{delivery.data['id']}"
    if row.payload:
        return Composed("PUT", address, orjson.dumps(found[0]), own | _PAYLOAD_TYPE)
    return Composed("POST", headers=own | {"Link": f'<{base_url()}{address}>; rel="about"'})


def _of(parameter: str, patients: set[str]) -> Query:
    return Query(references={parameter: frozenset(("Patient", one) for one in patients)})
