"""Identity's door for the other packages: who somebody is, how to reach them, and what they may see or do."""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import MAX_LIMIT, PageRequest
from app.core.problems import Forbidden
from app.identity import addresses as smart_addresses
from app.identity.access import Member, member_guard, require_member
from app.identity.addresses import FHIR_ROOT
from app.identity.audiences.schemas import Criterion
from app.identity.audiences.views import Audience, audience
from app.identity.authenticator import (
    DEVICE_HEADER,
    IdentityAuthenticator,
    actor_by_phone,
    actor_by_token,
    actor_in_session,
    actor_of,
    actor_of_client,
    authenticate_sos,
)
from app.identity.closing.schemas import Closure
from app.identity.closing.service import close as close_residence
from app.identity.closing.service import hold as hold_residence
from app.identity.communities.schemas import CommunityPublic, HolidayPublic
from app.identity.communities.service import create_community
from app.identity.communities.views import community, community_or_first, local_calendar
from app.identity.consent import service as consent
from app.identity.consent.exchanging import change_consent, consents, end_consent, give_consent
from app.identity.consent.exchanging import consent as one_consent
from app.identity.consent.rules import GivenKind, grantable
from app.identity.consent.schemas import GrantAgreed, GrantEntry, GrantPublic
from app.identity.consent.service import (
    close_break_glass,
    close_break_glass_of,
    open_break_glass,
    widen_break_glass,
)
from app.identity.consent.texts import LANGUAGES, explain, language_for
from app.identity.consent.views import GrantQuery, grant_revoked_at, grantees, residents_sharing
from app.identity.consent.views import agreed as agreed_grants
from app.identity.consent.views import grants as _grants
from app.identity.data_accesses.exchanging import access, accesses
from app.identity.data_accesses.schemas import DataAccess
from app.identity.data_accesses.views import AccessQuery
from app.identity.erasure.problems import FreshSignInNeeded, ResidenceNotEnded
from app.identity.erasure.queue import ERASED_AGAIN
from app.identity.erasure.service import (
    HeldPerson,
    erase_again,
    erase_person,
    hold_person,
    put_off,
    require_fresh_sign_in,
)
from app.identity.founding.service import OperatorExists, add_first_operator, appoint, find_community, found_community
from app.identity.importing.schemas import ImportReport
from app.identity.importing.service import import_file
from app.identity.installations.service import (
    PushTarget,
    await_receipts,
    confirm_receipt,
    installations,
    remove_installations,
)
from app.identity.models import Grant
from app.identity.organizations.problems import LastOperator
from app.identity.organizations.views import (
    InvitationMessage,
    agreed_scopes,
    duty_desk,
    invitation_message,
    members_here,
    members_of,
    operator_staff,
    organization_members,
    organizations_named,
    organizations_serving,
    serves_anyone,
)
from app.identity.people.homes import Home, homes
from app.identity.people.names import (
    account_name,
    account_of,
    community_names,
    is_active_account,
    organization_name,
    resident_name,
    resident_names,
    zone_of_community,
)
from app.identity.people.problems import ResidenceEnded
from app.identity.people.records import ResidentQuery, reach_binds, records_in_reach
from app.identity.people.records import record as resident_record
from app.identity.people.records import records as resident_records
from app.identity.people.repository import resident_of_account
from app.identity.people.schemas import (
    ContactPointPublic,
    Language,
    PersonPublic,
    ProfilePublic,
    ResidentRecord,
    TimeZone,
)
from app.identity.people.service import create_account
from app.identity.people.views import (
    account_zones,
    accounts_answering_at,
    accounts_in,
    accounts_reached_at,
    active_residents,
    contact_points,
    not_to_be_called,
    people,
    profile,
    resident_accounts,
)
from app.identity.scopes import GRANTS_MANAGE, PROFILE_READ
from app.identity.second_factor.problems import SecondFactorNeeded
from app.identity.sessions.repository import is_signed_in
from app.identity.sign_in.schemas import AccountChoice
from app.identity.sign_in.service import SignInCode, sign_in_code
from app.identity.signed_in import PeopleOnly, Person
from app.identity.smart.problems import OAuthRefused
from app.identity.smart.rules.keys import ALGORITHMS as CLIENT_ALGORITHMS
from app.identity.smart.rules.redirects import source as redirect_source
from app.identity.smart.service import authorizing
from app.identity.smart.service.authorizing import Asking, SentBack, browser_secret
from app.identity.smart_scopes import DIRECTORY, NEEDS, Interaction
from app.identity.smart_scopes import resources as smart_scopes
from app.identity.visibility import (
    ANY_SCOPE,
    ResidentSubject,
    actor_binds,
    granted_accounts,
    is_visible,
    organizations_with,
    require_resident,
    resident_guard,
    trace_read,
    visible_residents,
)

__all__ = [
    "ANY_SCOPE",
    "CLIENT_ALGORITHMS",
    "DEVICE_HEADER",
    "DIRECTORY",
    "ERASED_AGAIN",
    "FHIR_ROOT",
    "LANGUAGES",
    "NEEDS",
    "PROFILE_READ",
    "AccessQuery",
    "AccountChoice",
    "Asking",
    "Audience",
    "Closure",
    "CommunityPublic",
    "ContactPointPublic",
    "Criterion",
    "DataAccess",
    "FreshSignInNeeded",
    "GrantAgreed",
    "GrantEntry",
    "GrantPublic",
    "GrantQuery",
    "HeldPerson",
    "HolidayPublic",
    "Home",
    "IdentityAuthenticator",
    "ImportReport",
    "Interaction",
    "InvitationMessage",
    "Language",
    "LastOperator",
    "Member",
    "OAuthRefused",
    "OperatorExists",
    "PeopleOnly",
    "Person",
    "PersonPublic",
    "ProfilePublic",
    "PushTarget",
    "ResidenceEnded",
    "ResidenceNotEnded",
    "ResidentQuery",
    "ResidentRecord",
    "ResidentSubject",
    "SecondFactorNeeded",
    "SentBack",
    "SignInCode",
    "TimeZone",
    "access",
    "accesses",
    "account_name",
    "account_of",
    "account_zones",
    "accounts_answering_at",
    "accounts_in",
    "active_residents",
    "actor_binds",
    "actor_by_phone",
    "actor_by_token",
    "actor_in_session",
    "actor_of",
    "actor_of_client",
    "add_first_operator",
    "add_grant",
    "agreed_grants",
    "agreed_scopes",
    "appoint",
    "audience",
    "authenticate_sos",
    "authorizing",
    "await_receipts",
    "browser_secret",
    "change_consent",
    "close_break_glass",
    "close_break_glass_of",
    "close_residence",
    "community",
    "community_names",
    "community_or_first",
    "confirm_receipt",
    "consents",
    "contact_points",
    "create_account",
    "create_community",
    "duty_desk",
    "end_consent",
    "erase_again",
    "erase_person",
    "explain",
    "find_accounts_by_phone",
    "find_community",
    "found_community",
    "give_consent",
    "grant_revoked_at",
    "grantable",
    "granted_accounts",
    "grantees",
    "grants_in_force",
    "held_scopes",
    "hold_person",
    "hold_residence",
    "homes",
    "import_file",
    "installations",
    "invitation_message",
    "is_active_account",
    "is_signed_in",
    "is_visible",
    "language_for",
    "languages",
    "local_calendar",
    "member_guard",
    "members_here",
    "members_of",
    "not_to_be_called",
    "one_consent",
    "open_break_glass",
    "operator_staff",
    "organization_members",
    "organization_name",
    "organizations_named",
    "organizations_serving",
    "organizations_with",
    "people",
    "profile",
    "put_off",
    "reach_binds",
    "records_in_reach",
    "redirect_source",
    "remove_installations",
    "require_fresh_sign_in",
    "require_member",
    "require_resident",
    "resident_accounts",
    "resident_guard",
    "resident_name",
    "resident_names",
    "resident_of_account",
    "resident_record",
    "resident_records",
    "residents_sharing",
    "revoke_grant",
    "serves_anyone",
    "sign_in_code",
    "smart_addresses",
    "smart_scopes",
    "trace_read",
    "visible_residents",
    "widen_break_glass",
    "zone_of_community",
]


async def languages(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the language (BCP 47) each account is spoken to in; unknown ids are left out."""
    return {account_id: person.language for account_id, person in (await people(connection, account_ids)).items()}


async def find_accounts_by_phone(
    connection: AsyncConnection, community_id: uuid.UUID | None, phone: str
) -> list[uuid.UUID]:
    """Return the active accounts an E.164 number reaches: one number may serve several people.

    Those of the community; of every community for ``None``, as whoever answers from a phone names none.
    """
    return await accounts_reached_at(connection, community_id, phone)


async def add_grant(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    grantee_account_id: uuid.UUID,
    scopes: Iterable[str],
    kind: GivenKind = "consent",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """Let a person see or do ``scopes`` with a resident, on behalf of ``actor``, and return the grant.

    From ``starts_at`` (default: now) to ``expires_at`` (default: until it is revoked).

    Raises ``NotFound``, ``Forbidden`` without ``grants:manage``, ``GrantExists`` if one of its kind is in force.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, GRANTS_MANAGE)
    return await consent.add_grant(
        session,
        actor,
        subject,
        grantee_account_id=grantee_account_id,
        scopes=scopes,
        kind=kind,
        starts_at=starts_at,
        expires_at=expires_at,
    )


async def revoke_grant(session: AsyncSession, actor: Actor, *, resident_id: uuid.UUID, grant_id: uuid.UUID) -> None:
    """End a grant at once, on behalf of whoever manages the resident's grants or of the person who holds it."""
    grant = await consent.grant_of(session, resident_id, grant_id)
    if grant.grantee_account_id != actor.id:
        await require_resident(await session.connection(), actor, resident_id, GRANTS_MANAGE)
    await consent.revoke_grant(session, actor, grant)


async def held_scopes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, scopes: Iterable[str]
) -> dict[str, ResidentSubject]:
    """Return those of ``scopes`` that the actor has on the resident for longer than an alarm, with whom each makes of
    them.

    Raises ``NotFound`` if the actor may not know the resident.
    """
    held = {}
    for scope in scopes:
        with suppress(Forbidden):
            held[scope] = await require_resident(connection, actor, resident_id, scope, lasting=True)
    return held


async def grants_in_force(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, language: str
) -> list[GrantPublic]:
    """Return the latest hundred grants of a resident that have not ended, told in ``language``.

    Raises ``NotFound``, ``Forbidden`` without ``grants:manage``.
    """
    await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    page = PageRequest(MAX_LIMIT, None)
    return (await _grants(connection, actor, resident_id, page, language, ended=False)).items
