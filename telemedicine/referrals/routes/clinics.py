"""What a clinic has to do with referrals and questions: its lists, and how long things may take there."""

import uuid
from typing import Annotated, Final, Literal

from fastapi import Depends, Query

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from telemedicine.appointments.access import require_staff
from telemedicine.clinics.access import Keeper, require_own_clinic
from telemedicine.clinics.problems import NotAClinic
from telemedicine.referrals.rules.states import QuestionState, State
from telemedicine.referrals.schemas.parts import ReferralTermsPublic, ReferralTermsWrite
from telemedicine.referrals.schemas.questions import QuestionPublic
from telemedicine.referrals.schemas.referrals import ReferralPublic
from telemedicine.referrals.service import terms
from telemedicine.referrals.views import questions as question_views
from telemedicine.referrals.views import referrals as views
from telemedicine.referrals.views.parts import terms as terms_of
from telemedicine.referrals.views.referrals import ReferralQuery

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/clinics/{organization_id}"
Staff = Annotated[Member, Depends(member_guard("clinician", "coordinator"))]
Direction = Annotated[Literal["in", "out"], Query(description="what is asked of the clinic, or what it asks")]


@router.get(f"{_ONE}/referrals", responses=problem_responses(*_GUARDED))
async def list_clinic_referrals(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Staff,
    page: PageQuery,
    direction: Direction = "in",
    state: Annotated[State | None, Query()] = None,
) -> Page[ReferralPublic]:
    """List a clinic's referrals, the last first; the reason is shown to clinicians alone."""
    require_staff(member, organization_id)
    query = ReferralQuery(
        to_ids=[organization_id] if direction == "in" else None,
        from_ids=[organization_id] if direction == "out" else None,
        states=[state] if state else None,
    )
    return await views.referrals(connection, member.actor, query, page)


@router.get(f"{_ONE}/questions", responses=problem_responses(*_GUARDED))
async def list_clinic_questions(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Staff,
    page: PageQuery,
    direction: Direction = "in",
    state: Annotated[QuestionState | None, Query()] = None,
) -> Page[QuestionPublic]:
    """List the questions a clinic is asked, or asks, the last first."""
    require_staff(member, organization_id)
    return await question_views.of_clinic(connection, member.actor, organization_id, direction, state, page)


@router.get(f"{_ONE}/referral-terms", responses=problem_responses(*_GUARDED))
async def get_referral_terms(organization_id: uuid.UUID, connection: Reading, member: Staff) -> ReferralTermsPublic:
    """Show how long each thing may take at a clinic before somebody is told."""
    require_staff(member, organization_id)
    return await terms_of(connection, organization_id)


@router.post(f"{_ONE}/referral-terms", responses=problem_responses(*_GUARDED, NotAClinic))
async def set_referral_terms(
    organization_id: uuid.UUID, session: Session, keeper: Keeper, data: ReferralTermsWrite
) -> ReferralTermsPublic:
    """Say how long things may take at a clinic, for what is asked of it from now on."""
    connection = await session.connection()
    await require_own_clinic(connection, keeper.actor, organization_id)
    await terms.set_terms(session, keeper.actor, organization_id, data)
    return await terms_of(connection, organization_id)
