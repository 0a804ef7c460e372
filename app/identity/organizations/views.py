"""The SQL that reads organizations, their agreements, their invitations and who works for them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.models import Account, Membership, Organization, Resident, ServiceAgreement
from app.identity.organizations.models import StaffInvitation
from app.identity.organizations.schemas import AgreementPublic, InvitationPublic, MemberPublic, OrganizationPublic

CONTACT: Final = "identity_staff_invitation.contact"
SECRET: Final = "identity_staff_invitation.secret"  # noqa: S105 - the name of a column

_accounts = table_of(Account)
_memberships = table_of(Membership)
_organizations = table_of(Organization)
_agreements = table_of(ServiceAgreement)
_residents = table_of(Resident)
_invitations = table_of(StaffInvitation)

_organization_id = sa.bindparam("organization_id", type_=sa.Uuid)
_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_rows = sa.bindparam("rows", type_=sa.Integer)
_after_id = sa.bindparam("after_id", type_=sa.Uuid)
_FIRST = uuid.UUID(int=0)

_WORKING = (
    sa.select(_memberships.c.account_id)
    .join(_accounts, _accounts.c.id == _memberships.c.account_id)
    .where(_memberships.c.ended_at.is_(None), _accounts.c.state == "active")
    .order_by(_memberships.c.id)
)
_MEMBERS = _WORKING.where(
    _memberships.c.organization_id == _organization_id,
    _memberships.c.role == sa.bindparam("role", type_=sa.Text),
)
_MEMBERS_OF = HotStatement(
    _WORKING.add_columns(_memberships.c.organization_id).where(
        _memberships.c.organization_id == sa.any_(sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))),
        _memberships.c.role == sa.bindparam("role", type_=sa.Text),
    )
)
_MEMBERS_HERE = _MEMBERS.join(_organizations, _organizations.c.id == _memberships.c.organization_id).where(
    _organizations.c.community_id == _community_id
)
_OPERATOR_STAFF = (
    _WORKING.join(_organizations, _organizations.c.id == _memberships.c.organization_id)
    .add_columns(_memberships.c.role)
    .where(
        _organizations.c.kind == "operator",
        _organizations.c.community_id == _community_id,
        _memberships.c.role == sa.any_(sa.bindparam("roles", type_=ARRAY(sa.Text))),
    )
)
_ORGANIZATIONS = (
    sa.select(_organizations)
    .where(_organizations.c.community_id == _community_id, _organizations.c.id > _after_id)
    .order_by(_organizations.c.id)
    .limit(_rows)
)
_NAMED = HotStatement(
    sa.select(_organizations).where(
        _organizations.c.community_id == _community_id,
        _organizations.c.id == sa.any_(sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))),
    )
)
_STAFF = (
    sa.select(
        _accounts.c.id,
        _accounts.c.name,
        _accounts.c.state,
        sa.func.array_agg(sa.distinct(_memberships.c.role), type_=ARRAY(sa.Text)).label("roles"),
    )
    .join(_memberships, _memberships.c.account_id == _accounts.c.id)
    .where(
        _memberships.c.organization_id == _organization_id,
        _memberships.c.ended_at.is_(None),
        _accounts.c.id > _after_id,
    )
    .group_by(_accounts.c.id)
    .order_by(_accounts.c.id)
    .limit(_rows)
)
_AGREEMENTS = (
    sa.select(_agreements)
    .where(_agreements.c.organization_id == _organization_id, _agreements.c.id > _after_id)
    .order_by(_agreements.c.id)
    .limit(_rows)
)
_AGREEMENTS_ABOUT = (
    sa.select(_agreements)
    .join(_residents, _residents.c.community_id == _agreements.c.community_id)
    .where(
        _residents.c.id == sa.bindparam("resident_id", type_=sa.Uuid),
        sa.or_(_agreements.c.resident_id == _residents.c.id, _agreements.c.resident_id.is_(None)),
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
        _agreements.c.id > _after_id,
    )
    .order_by(_agreements.c.id)
    .limit(_rows)
)
_SERVING = (
    sa.select(_residents.c.id.label("resident_id"), _agreements.c.organization_id)
    .join(_residents, _residents.c.community_id == _agreements.c.community_id)
    .where(
        _residents.c.id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        sa.or_(_agreements.c.resident_id == _residents.c.id, _agreements.c.resident_id.is_(None)),
        sa.bindparam("scope", type_=sa.Text) == sa.any_(_agreements.c.scopes),
        _agreements.c.starts_at <= _now,
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
    )
)
_AGREED = (
    sa.select(_residents.c.id.label("resident_id"), _agreements.c.scopes)
    .join_from(
        _residents,
        _agreements,
        sa.and_(
            _agreements.c.organization_id == _organization_id,
            _agreements.c.community_id == _residents.c.community_id,
            sa.or_(_agreements.c.resident_id == _residents.c.id, _agreements.c.resident_id.is_(None)),
            _agreements.c.starts_at <= _now,
            sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
        ),
    )
    .where(_residents.c.id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))))
)
_SERVES = sa.select(
    sa.exists(
        sa.select(_agreements.c.id).where(
            _agreements.c.organization_id == _organization_id,
            _agreements.c.starts_at <= _now,
            sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
        )
    )
)
_INVITATION = sa.select(_invitations, _organizations.c.name.label("organization")).join(
    _organizations, _organizations.c.id == _invitations.c.organization_id
)
_INVITATIONS = (
    _INVITATION.where(_invitations.c.organization_id == _organization_id, _invitations.c.id > _after_id)
    .order_by(_invitations.c.id)
    .limit(_rows)
)
_ONE_INVITATION = _INVITATION.where(_invitations.c.id == sa.bindparam("invitation_id", type_=sa.Uuid))


async def organization_members(connection: AsyncConnection, organization_id: uuid.UUID, role: str) -> list[uuid.UUID]:
    """Return the active accounts that hold ``role`` in the organization, longest-serving first."""
    return list(await connection.scalars(_MEMBERS, {"organization_id": organization_id, "role": role}))


async def members_of(
    connection: AsyncConnection, organization_ids: Iterable[uuid.UUID], role: str
) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return for each organization the active accounts that hold ``role`` in it, longest-serving first."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {organization_id: [] for organization_id in organization_ids}
    for row in await _MEMBERS_OF.rows(connection, {"organization_ids": list(found), "role": role}):
        found[row.organization_id].append(row.account_id)
    return found


async def members_here(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, role: str
) -> list[uuid.UUID]:
    """Return the active accounts that hold ``role`` in the organization, if it is one of the community's."""
    binds = {"organization_id": organization_id, "role": role, "community_id": community_id}
    return list(await connection.scalars(_MEMBERS_HERE, binds))


async def duty_desk(
    connection: AsyncConnection, community_id: uuid.UUID, *, besides: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Return who sits at the community's duty desk: its dispatchers, or its operators where it has none.

    ``besides`` is somebody who does not count, as when it is about themselves.
    """
    binds = {"community_id": community_id, "roles": ["dispatcher", "operator"]}
    rows = [row for row in await connection.execute(_OPERATOR_STAFF, binds) if row.account_id != besides]
    dispatchers = [row.account_id for row in rows if row.role == "dispatcher"]
    return list(dict.fromkeys(dispatchers or [row.account_id for row in rows]))


async def operator_staff(connection: AsyncConnection, community_id: uuid.UUID, *roles: str) -> list[uuid.UUID]:
    """Return who works for the community's operator in one of ``roles``, longest-serving first."""
    rows = await connection.execute(_OPERATOR_STAFF, {"community_id": community_id, "roles": list(roles)})
    return list(dict.fromkeys(row.account_id for row in rows))


async def organizations_serving(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], scope: str
) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Return for each resident the organizations whose agreement gives them ``scope`` now."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {resident_id: set() for resident_id in resident_ids}
    binds = {"resident_ids": list(found), "scope": scope, "now": clock.now()}
    for row in await connection.execute(_SERVING, binds):
        found[row.resident_id].add(row.organization_id)
    return found


async def agreed_scopes(
    connection: AsyncConnection, organization_id: uuid.UUID, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, frozenset[str]]:
    """Return for each resident what agreements let the organization see or do now."""
    found: dict[uuid.UUID, frozenset[str]] = dict.fromkeys(resident_ids, frozenset())
    binds = {"organization_id": organization_id, "resident_ids": list(found), "now": clock.now()}
    for row in await connection.execute(_AGREED, binds):
        found[row.resident_id] |= frozenset(row.scopes)
    return found


async def serves_anyone(connection: AsyncConnection, organization_id: uuid.UUID) -> bool:
    """Say whether any agreement with the organization is in force."""
    return bool(await connection.scalar(_SERVES, {"organization_id": organization_id, "now": clock.now()}))


async def organizations(
    connection: AsyncConnection, community_id: uuid.UUID, page: PageRequest
) -> Page[OrganizationPublic]:
    """Return a page of who works in the community, oldest first."""
    rows, cursor = await _page(connection, "organizations", _ORGANIZATIONS, page, {"community_id": community_id})
    return Page(items=[OrganizationPublic.model_validate(row) for row in rows], next=cursor)


async def organizations_named(
    connection: AsyncConnection, community_id: uuid.UUID, organization_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, OrganizationPublic]:
    """Return those of the organizations that work in the community, by id."""
    binds = {"community_id": community_id, "organization_ids": list(organization_ids)}
    return {row.id: OrganizationPublic.model_validate(row) for row in await _NAMED.rows(connection, binds)}


async def staff(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[MemberPublic]:
    """Return a page of who works for the organization."""
    rows, cursor = await _page(connection, "members", _STAFF, page, {"organization_id": organization_id})
    items = [MemberPublic(account_id=row.id, name=row.name, roles=row.roles, state=row.state) for row in rows]
    return Page(items=items, next=cursor)


async def agreements(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[AgreementPublic]:
    """Return a page of what is and was agreed with the organization, oldest first."""
    rows, cursor = await _page(connection, "agreements", _AGREEMENTS, page, {"organization_id": organization_id})
    return Page(items=[AgreementPublic.model_validate(row) for row in rows], next=cursor)


async def agreements_about(
    connection: AsyncConnection, resident_id: uuid.UUID, page: PageRequest
) -> Page[AgreementPublic]:
    """Return a page of the agreements under which organizations see (or will see) a resident's data."""
    binds = {"resident_id": resident_id, "now": clock.now()}
    rows, cursor = await _page(connection, "agreements_about", _AGREEMENTS_ABOUT, page, binds)
    return Page(items=[AgreementPublic.model_validate(row) for row in rows], next=cursor)


async def invitations(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[InvitationPublic]:
    """Return a page of the invitations to the organization's staff, oldest first."""
    rows, cursor = await _page(connection, "invitations", _INVITATIONS, page, {"organization_id": organization_id})
    return Page(items=[_invitation(row) for row in rows], next=cursor)


async def invitation(connection: AsyncConnection, invitation_id: uuid.UUID) -> InvitationPublic:
    """Return an invitation; raises ``NotFound``."""
    row = (await connection.execute(_ONE_INVITATION, {"invitation_id": invitation_id})).one_or_none()
    if row is None:
        raise NotFound
    return _invitation(row)


@dataclass(frozen=True, slots=True)
class InvitationMessage:
    """What the message that carries an invitation says, and to which number or address it goes."""

    account_id: uuid.UUID
    community_id: uuid.UUID
    contact: str
    organization: str
    role: str
    secret: str
    expires_at: datetime


async def invitation_message(connection: AsyncConnection, invitation_id: uuid.UUID) -> InvitationMessage | None:
    """Return what is to be sent for an invitation; ``None`` once it was accepted, revoked or has expired."""
    row = (await connection.execute(_ONE_INVITATION, {"invitation_id": invitation_id})).one_or_none()
    if row is None or row.secret is None or row.expires_at <= clock.now():
        return None
    return InvitationMessage(
        account_id=row.account_id,
        community_id=row.community_id,
        contact=unseal(row.contact, CONTACT),
        organization=row.organization,
        role=row.role,
        secret=unseal(row.secret, SECRET),
        expires_at=row.expires_at,
    )


def _invitation(row: Any) -> InvitationPublic:
    state = "open"
    if row.accepted_at is not None:
        state = "accepted"
    elif row.revoked_at is not None:
        state = "revoked"
    elif row.expires_at <= clock.now():
        state = "expired"
    return InvitationPublic.model_validate(
        {
            "id": row.id,
            "organization_id": row.organization_id,
            "organization": row.organization,
            "role": row.role,
            "contact": unseal(row.contact, CONTACT),
            "state": state,
            "expires_at": row.expires_at,
            "version": row.version,
        }
    )


async def _page(
    connection: AsyncConnection, name: str, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> tuple[list[sa.Row[Any]], str | None]:
    """Return a page's rows in the order of ids, and the cursor of the next one."""
    kind = f"identity.{name}"
    (after_id,) = decode_cursor(kind, page.cursor) if page.cursor else (_FIRST,)
    paging = {"after_id": uuid.UUID(str(after_id)), "rows": page.limit + 1}
    rows = list(await connection.execute(statement, binds | paging))
    return rows[: page.limit], next_cursor(kind, rows, page.limit, ["id"])
