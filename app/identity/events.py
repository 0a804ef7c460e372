"""The facts identity emits: past tense, ids only, versioned."""

import uuid
from collections.abc import Iterable
from typing import ClassVar, Literal

from app.core.events import Event


class ProfileChanged(Event):
    """A person's name, language or needs changed; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "identity.profile_changed.v1"

    resident_id: uuid.UUID | None = None


class ContactPointsChanged(Event):
    """A person can be reached in other ways than before; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "identity.contact_points_changed.v1"

    changed_by: uuid.UUID | None = None
    change: Literal["added", "changed", "removed"] | None = None


class PhonePaired(Event):
    """A phone was set up for a resident; ``aggregate_id`` is the account, ``paired_by`` who made the code for it."""

    name: ClassVar[str] = "identity.phone_paired.v1"

    paired_by: uuid.UUID


class ResidentMovedZone(Event):
    """A resident lives by another time zone from now on; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "identity.resident_moved_zone.v1"

    resident_id: uuid.UUID


class ResidentClosed(Event):
    """A resident died or moved out: plans, bookings and notices of theirs end; ``aggregate_id`` is the resident."""

    name: ClassVar[str] = "identity.resident_closed.v1"
    critical: ClassVar[bool] = True

    reason: Literal["died", "moved_out"]


class ResidentReopened(Event):
    """The closure was a mistake; ``aggregate_id`` is the resident."""

    name: ClassVar[str] = "identity.resident_reopened.v1"
    critical: ClassVar[bool] = True


def closed_and_reopened(
    events: Iterable[ResidentClosed | ResidentReopened],
) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """Return the residents who were closed, and those who are open again; to be handled in this order.

    Events of one resident come in order: whoever was closed again after a reopening stays so.
    """
    events = list(events)
    last = {event.aggregate_id: event for event in events}
    closed = [event.aggregate_id for event in events if isinstance(event, ResidentClosed)]
    return closed, [event.aggregate_id for event in last.values() if isinstance(event, ResidentReopened)]


class AccountDeactivated(Event):
    """An account can no longer sign in: its sessions and installations end; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "identity.account_deactivated.v1"
    critical: ClassVar[bool] = True
    organization_id: ClassVar[uuid.UUID | None] = None
    """As of ``MembershipEnded``: they work for none any more."""


class MembershipEnded(Event):
    """A person no longer works for an organization; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "identity.membership_ended.v1"
    critical: ClassVar[bool] = True

    organization_id: uuid.UUID


class InvitationCreated(Event):
    """Somebody is invited to an organization's staff and is to be told; ``aggregate_id`` is the invitation."""

    name: ClassVar[str] = "identity.invitation_created.v1"


class GrantAdded(Event):
    """A resident lets somebody see or do something; ``aggregate_id`` is the grant."""

    name: ClassVar[str] = "identity.grant_added.v1"

    resident_id: uuid.UUID
    grantee_account_id: uuid.UUID
    kind: Literal["consent", "proxy", "break_glass"]


class GrantChanged(Event):
    """What a grant contains or how long it lasts was replaced; ``aggregate_id`` is the grant."""

    name: ClassVar[str] = "identity.grant_changed.v1"

    resident_id: uuid.UUID
    grantee_account_id: uuid.UUID


class GrantRevoked(Event):
    """A grant ended before its time; ``aggregate_id`` is the grant."""

    name: ClassVar[str] = "identity.grant_revoked.v1"

    resident_id: uuid.UUID
    grantee_account_id: uuid.UUID
    kind: Literal["consent", "proxy", "break_glass"]


class HolidaysChanged(Event):
    """The community's calendar changed; ``aggregate_id`` is the community."""

    name: ClassVar[str] = "identity.holidays_changed.v1"


class SignInCodeRequested(Event):
    """A one-time code is to be sent; ``aggregate_id`` is the challenge, whose code ``sign_in_code`` hands out."""

    name: ClassVar[str] = "identity.sign_in_code_requested.v1"
    critical: ClassVar[bool] = True

    channel: Literal["sms", "email"]


class ViewingBegan(Event):
    """Somebody of support sees what a person sees, who is told; ``aggregate_id`` is the account that is viewed."""

    name: ClassVar[str] = "identity.viewing_began.v1"

    viewing_id: uuid.UUID


class SessionRevoked(Event):
    """A session ended before its time; ``aggregate_id`` is the session."""

    name: ClassVar[str] = "identity.session_revoked.v1"

    account_id: uuid.UUID
    reason: Literal["signed_out", "revoked", "token_reuse", "deactivated"]
