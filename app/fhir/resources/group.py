"""Group: the residents an organization serves under its agreements; the operator's is the community."""

import uuid
from typing import Final

from app.core.paging import PageRequest
from app.fhir.elements import SUBSETTED, Json, reference, resource
from app.fhir.registry import ID, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.identity.api import (
    PROFILE_READ,
    ResidentQuery,
    ResidentRecord,
    community,
    organizations_named,
    organizations_with,
    resident_records,
)

MOST: Final = 1000
"""So many members are listed; of a larger group none is, as an export tells."""


def shown(organization_id: uuid.UUID, name: str, kind: str, members: list[ResidentRecord] | None) -> Json:
    """Return a group; ``None`` where its members are too many to be listed."""
    is_clinic = kind == "clinic"
    return resource(
        "Group",
        organization_id,
        meta={"tag": [SUBSETTED]} if members is None else None,
        active=True,
        type="person",
        actual=True,
        name=name,
        quantity=None if members is None else len(members),
        managingEntity=reference("Organization", organization_id, name) if is_clinic else {"display": name},
        member=[_member(one) for one in members or ()],
    )


def _member(of: ResidentRecord) -> Json:
    """Return a member; who lives here no more is not active."""
    found: Json = {"entity": reference("Patient", of.id)}
    return found if of.state == "active" else found | {"inactive": True}


async def search(asked: Asked, query: Query) -> Found:
    """Return the groups of the organizations on whose behalf the actor sees residents."""
    wanted = organizations_with(asked.actor, PROFILE_READ)
    for given in (query.ids, query.keys("managing-entity", "Organization")):
        wanted = [one for one in wanted if given is None or str(one) in given]
    named = await organizations_named(asked.connection, asked.actor.community_id, wanted)
    members = query.keys("member", "Patient")
    found = []
    for organization_id in sorted(named)[: query.page.limit]:
        organization = named[organization_id]
        name = organization.name
        if organization.kind == "operator":
            name = (await community(asked.connection, asked.actor.community_id)).name
        if members is not None and not await _members(asked, organization_id, ids_of(members)):
            continue
        found.append(shown(organization_id, name, organization.kind, await _members(asked, organization_id, None)))
    return Found(found)


async def _members(
    asked: Asked, organization_id: uuid.UUID, among: list[uuid.UUID] | None
) -> list[ResidentRecord] | None:
    page = await resident_records(
        asked.connection, asked.actor, ResidentQuery(ids=among), PageRequest(MOST, None), served_by=organization_id
    )
    return page.items if page.next is None else None


GROUP = Resource(
    type="Group",
    documentation=(
        "The residents whom an organization serves under its agreements, for those who see them on its behalf; the "
        f"operator's is the community. Up to {MOST} members are listed; a larger group lists none and is exported."
    ),
    parameters=(
        ID,
        Parameter("managing-entity", "reference", "Whose group", targets=("Organization",)),
        Parameter("member", "reference", "Who is in it", targets=("Patient",), elements=("member",)),
    ),
    search=search,
    mandatory=frozenset({"type", "actual"}),
)
