"""Identity's door for the other packages: who somebody is, how to reach them, and what they may see or do."""

from app.identity import addresses as smart_addresses
from app.identity import cared_for
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
from app.identity.browser_sessions.rules import is_of_browser
from app.identity.browser_sessions.schemas import BrowserVisitor
from app.identity.browser_sessions.service import (
    access_token_of,
    begin_browser_session,
    browser_cookie,
    browser_visitor,
    end_browser_session,
    is_safe,
    present,
)
from app.identity.browser_sessions.service import reached_by_push as installations
from app.identity.closing.schemas import Closure
from app.identity.closing.service import close as close_residence
from app.identity.closing.service import hold as hold_residence
from app.identity.communities.schemas import CommunityPublic, HolidayPublic
from app.identity.communities.service import create_community
from app.identity.communities.views import community, community_or_first, local_calendar
from app.identity.consent.checked import add_grant, grants_in_force, revoke_grant
from app.identity.consent.exchanging import change_consent, consents, end_consent, give_consent
from app.identity.consent.exchanging import consent as one_consent
from app.identity.consent.rules import grantable
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
    confirm_receipt_at,
    remove_installations,
)
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
from app.identity.people.homes import Home, HouseholdOf, homes, households_of, living_in, whereabouts
from app.identity.people.names import (
    account_name,
    account_of,
    community_names,
    community_of,
    is_active_account,
    is_only_community,
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
    ACCESSIBILITY_NEEDS,
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
    active_residents,
    contact_points,
    languages,
    not_to_be_called,
    people,
    profile,
    resident_accounts,
)
from app.identity.people.views import accounts_reached_at as find_accounts_by_phone
from app.identity.scopes import PROFILE_READ
from app.identity.second_factor.problems import SecondFactorNeeded
from app.identity.sessions.repository import is_signed_in
from app.identity.sign_in.code_flow import begin_login, login_provider, login_providers, redeem_login
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
from app.identity.viewing.schemas import Viewing
from app.identity.visibility import (
    ANY_SCOPE,
    Reach,
    ResidentSubject,
    Right,
    actor_binds,
    granted_accounts,
    held_scopes,
    is_visible,
    organizations_with,
    reach_of,
    require_resident,
    resident_guard,
    trace_read,
    visible_residents,
)

__all__ = [
    "ACCESSIBILITY_NEEDS",
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
    "BrowserVisitor",
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
    "HouseholdOf",
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
    "Reach",
    "ResidenceEnded",
    "ResidenceNotEnded",
    "ResidentQuery",
    "ResidentRecord",
    "ResidentSubject",
    "Right",
    "SecondFactorNeeded",
    "SentBack",
    "SignInCode",
    "TimeZone",
    "Viewing",
    "access",
    "access_token_of",
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
    "begin_browser_session",
    "begin_login",
    "browser_cookie",
    "browser_secret",
    "browser_visitor",
    "cared_for",
    "change_consent",
    "close_break_glass",
    "close_break_glass_of",
    "close_residence",
    "community",
    "community_names",
    "community_of",
    "community_or_first",
    "confirm_receipt",
    "confirm_receipt_at",
    "consents",
    "contact_points",
    "create_account",
    "create_community",
    "duty_desk",
    "end_browser_session",
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
    "households_of",
    "import_file",
    "installations",
    "invitation_message",
    "is_active_account",
    "is_of_browser",
    "is_only_community",
    "is_safe",
    "is_signed_in",
    "is_visible",
    "language_for",
    "languages",
    "living_in",
    "local_calendar",
    "login_provider",
    "login_providers",
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
    "present",
    "profile",
    "put_off",
    "reach_binds",
    "reach_of",
    "records_in_reach",
    "redeem_login",
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
    "whereabouts",
    "widen_break_glass",
    "zone_of_community",
]
