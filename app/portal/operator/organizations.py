"""Organizations: who works in the community, in which roles, and what each may see."""

import asyncio
import uuid
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import address, again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, ask_once_more, wrong

router = pages_router("/portal/operator/organizations")

PAGE: Final = "/portal/operator/organizations"
ROLES: Final = {
    "operator": ("operator", "dispatcher", "coordinator"),
    "care_agency": ("coordinator", "carer", "dispatcher"),
    "clinic": ("coordinator", "clinician"),
    "provider": ("coordinator", "worker"),
    "attraction": ("coordinator", "worker"),
}
"""Which roles an invitation offers; the API refuses any other."""
MOST: Final = 500


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_organizations(visit: Operating, cursor: Annotated[str, Query(max_length=512)] = "") -> Response:
    """Show who works in the community."""
    return await _list(visit, cursor)


async def _list(visit: Visit, cursor: str = "", said: Wrong = FINE, given: dict[str, str] | None = None) -> Response:
    page = await visit.api.get("/v1/organizations", limit=100, cursor=cursor or None)
    return show(
        visit,
        "operator/organizations.html",
        WORDS,
        status=said.status,
        tab="organizations",
        items=page["items"],
        kinds=list(ROLES),
        given=given or {"name": "", "kind": "care_agency"},
        wrong=said,
        next=address(PAGE, cursor=page["next"]) if page["next"] else "",
    )


@router.post("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_organization(visit: Operating, form: Posted) -> Response:
    """Add an organization."""
    body = {
        "name": form.text("name"),
        "kind": form.text("kind", 20),
        "requires_second_factor": form.flag("requires_second_factor"),
    }
    try:
        made = await visit.api.post("/v1/organizations", body, key=form.key)
    except Refused as refused:
        return await _list(visit, said=wrong(visit, refused), given=form.given("name", "kind"))
    return again(f"{PAGE}/{made['id']}", "organization_added")


@router.get("/{organization_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_organization(visit: Operating, organization_id: uuid.UUID) -> Response:
    """Show an organization with its people, invitations and agreements."""
    return await _one(visit, organization_id)


async def _found(visit: Visit, organization_id: uuid.UUID) -> dict[str, Any]:
    for one in await visit.api.pages("/v1/organizations", MOST):
        if one["id"] == str(organization_id):
            found: dict[str, Any] = one
            return found
    raise Refused(404, {"code": "not_found"})


async def _one(
    visit: Visit, organization_id: uuid.UUID, said: Wrong = FINE, given: dict[str, str] | None = None
) -> Response:
    path = f"/v1/organizations/{organization_id}"
    one, members, invitations, agreements = await asyncio.gather(
        _found(visit, organization_id),
        visit.api.pages(f"{path}/members", MOST),
        visit.api.pages(f"{path}/invitations", 100),
        visit.api.pages(f"{path}/agreements", 100),
    )
    empty = {"invited": "", "role": "", "phone": "", "email": "", "resident_id": "", "scopes": "", "basis": ""}
    return show(
        visit,
        "operator/organization.html",
        WORDS,
        status=said.status,
        tab="organizations",
        one=one,
        members=members,
        invitations=invitations,
        agreements=[row | {"is_over": _is_over(row["ends_at"])} for row in agreements],
        roles=ROLES[one["kind"]],
        given=empty | (given or {}),
        wrong=said,
    )


def _is_over(ends_at: str | None) -> bool:
    return ends_at is not None and instant(ends_at) <= clock.now()


@router.post("/{organization_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_organization(visit: Operating, form: Posted, organization_id: uuid.UUID) -> Response:
    """Change an organization's name, and whether its people need a second factor."""
    body = {"name": form.text("name"), "requires_second_factor": form.flag("requires_second_factor")}
    try:
        await visit.api.patch(f"/v1/organizations/{organization_id}", body, version=form.number("version"))
    except Refused as refused:
        return await _one(visit, organization_id, wrong(visit, refused))
    return again(f"{PAGE}/{organization_id}", "changed")


@router.post("/{organization_id}/invitations", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def invite(visit: Operating, form: Posted, organization_id: uuid.UUID) -> Response:
    """Invite somebody to the organization's staff."""
    body = {
        "name": form.text("invited"),
        "role": form.text("role", 20),
        "phone": form.text("phone", 40) or None,
        "email": form.text("email", 254) or None,
    }
    try:
        await visit.api.post(f"/v1/organizations/{organization_id}/invitations", body, key=form.key)
    except Refused as refused:
        return await _one(
            visit, organization_id, wrong(visit, refused), form.given("invited", "role", "phone", "email")
        )
    return again(f"{PAGE}/{organization_id}", "invited")


@router.post("/{organization_id}/agreements", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def agree(visit: Operating, form: Posted, organization_id: uuid.UUID) -> Response:
    """Agree what the organization may see."""
    body = {
        "resident_id": form.text("resident_id", 40) or None,
        "scopes": form.text("scopes").replace(",", " ").split(),
        "basis": form.text("basis", 500),
    }
    try:
        await visit.api.post(f"/v1/organizations/{organization_id}/agreements", body, key=form.key)
    except Refused as refused:
        typed = form.given("resident_id", "scopes", "basis")
        return await _one(visit, organization_id, wrong(visit, refused), typed)
    return again(f"{PAGE}/{organization_id}", "agreed")


@router.get("/{organization_id}/members/{account_id}/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_member(visit: Operating, organization_id: uuid.UUID, account_id: uuid.UUID) -> Response:
    """Ask once more before somebody's roles end."""
    return await _ask_member(visit, organization_id, account_id)


async def _ask_member(visit: Visit, organization_id: uuid.UUID, account_id: uuid.UUID, said: Wrong = FINE) -> Response:
    one, members = await asyncio.gather(
        _found(visit, organization_id), visit.api.pages(f"/v1/organizations/{organization_id}/members", MOST)
    )
    member = next((who for who in members if who["account_id"] == str(account_id)), None)
    if member is None:
        raise Refused(404, {"code": "not_found"})
    path = f"{PAGE}/{organization_id}"
    action = f"{path}/members/{account_id}/end"
    about = {"name": member["name"], "organization": one["name"]}
    return ask_once_more(visit, "organizations", "member", action, path, refused=said, **about)


@router.post("/{organization_id}/members/{account_id}/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_member(visit: Operating, form: Posted, organization_id: uuid.UUID, account_id: uuid.UUID) -> Response:
    """End all roles of somebody in the organization."""
    del form
    try:
        await visit.api.delete(f"/v1/organizations/{organization_id}/members/{account_id}")
    except Refused as refused:
        return await _ask_member(visit, organization_id, account_id, wrong(visit, refused))
    return again(f"{PAGE}/{organization_id}", "member_ended")


@router.get("/{organization_id}/invitations/{invitation_id}/revoke", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_invitation(visit: Operating, organization_id: uuid.UUID, invitation_id: uuid.UUID) -> Response:
    """Ask once more before an invitation is void."""
    path = f"{PAGE}/{organization_id}"
    action = f"{path}/invitations/{invitation_id}/revoke"
    return ask_once_more(visit, "organizations", "invitation", action, path)


@router.post("/{organization_id}/invitations/{invitation_id}/revoke", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def revoke_invitation(
    visit: Operating, form: Posted, organization_id: uuid.UUID, invitation_id: uuid.UUID
) -> Response:
    """Void an invitation."""
    del form
    path = f"/v1/organizations/{organization_id}/invitations/{invitation_id}"
    return await _done(visit, organization_id, visit.api.delete(path), "invitation_revoked")


@router.get("/{organization_id}/agreements/{agreement_id}/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_agreement(
    visit: Operating,
    organization_id: uuid.UUID,
    agreement_id: uuid.UUID,
    version: Annotated[int, Query(ge=1)],
) -> Response:
    """Ask once more before an organization sees nothing any more."""
    path = f"{PAGE}/{organization_id}"
    carried = (("version", str(version)),)
    action = f"{path}/agreements/{agreement_id}/end"
    return ask_once_more(visit, "organizations", "agreement", action, path, carried=carried)


@router.post("/{organization_id}/agreements/{agreement_id}/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_agreement(
    visit: Operating, form: Posted, organization_id: uuid.UUID, agreement_id: uuid.UUID
) -> Response:
    """End an agreement now."""
    ending = visit.api.patch(
        f"/v1/organizations/{organization_id}/agreements/{agreement_id}",
        {"ends_at": clock.now().isoformat()},
        version=form.number("version"),
    )
    return await _done(visit, organization_id, ending, "agreement_ended")


async def _done(visit: Visit, organization_id: uuid.UUID, doing: Any, done: str) -> Response:
    try:
        await doing
    except Refused as refused:
        return await _one(visit, organization_id, wrong(visit, refused))
    return again(f"{PAGE}/{organization_id}", done)
