"""A referral as it is requested, answered, booked, concluded and shown."""

import uuid
from datetime import date, datetime
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from app.core.instants import GivenInstant
from telemedicine.prescriptions.schemas import PrescriptionPublic
from telemedicine.records.schemas.parts import CodeableConcept, LongText, Name, Part, Words
from telemedicine.records.schemas.records import HealthRecordPublic
from telemedicine.referrals.rules.states import Side, State, Urgency
from telemedicine.referrals.schemas.parts import (
    ClimbStepPublic,
    RecordSelection,
    Selection,
    SharedRecordPublic,
    VitalsWindow,
)


class ReferralReason(Part):
    """What is wanted, and why (FHIR: ServiceRequest.code and reasonCode)."""

    service: CodeableConcept = Field(description="the specialty or service that is wanted")
    reason: LongText


class StoredContent(ReferralReason):
    """What is kept sealed of a referral: what is wanted and why, and the time whose readings go with it."""

    vitals: VitalsWindow | None = None


class ReferralCreate(Part):
    """A referral; as a draft nobody but the clinic that writes it sees it."""

    content: ReferralReason
    urgency: Urgency = "routine"
    to_organization_id: uuid.UUID = Field(description="a clinic of the community")
    practitioner_id: uuid.UUID | None = Field(default=None, description="who there is to see them")
    selection: Selection = Selection()
    organization_id: uuid.UUID | None = Field(
        default=None, description="for which clinic, said by who treats the resident at several"
    )
    is_draft: bool = False


class ReferralReturn(Part):
    """That care goes back to the clinic that referred."""

    content: ReferralReason
    urgency: Urgency = "routine"
    selection: RecordSelection = RecordSelection()


class OfferedTime(Part):
    """A time the clinic offers: with whom, for what."""

    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID
    starts_at: GivenInstant


class ReferralAccept(Part):
    """That the clinic takes the resident, and the times it offers; without any every free one can be chosen."""

    offers: list[OfferedTime] = Field(default=[], max_length=20)


class ReferralRedirect(Part):
    """To whom the referral is passed on, and why."""

    to_organization_id: uuid.UUID
    practitioner_id: uuid.UUID | None = None
    reason: Words


class ReferralWithdraw(Part):
    """Why it is withdrawn, or why the resident objects."""

    reason: Words | None = None


class MedicationChange(Part):
    """What is taken otherwise from now on."""

    change: Literal["started", "stopped", "changed", "continued"]
    medication: CodeableConcept
    dosage: Words | None = None
    reason: Words | None = None


class ReferralLetter(Part):
    """The letter that goes back: in words, as a file, or both."""

    type: Literal["discharge_summary", "consult_note"] = "discharge_summary"
    title: Name
    text: LongText | None = None
    media_id: uuid.UUID | None = Field(default=None, description="an upload of yours for the purpose `document`")
    medications: list[MedicationChange] = Field(default=[], max_length=50)
    next_steps: LongText | None = Field(default=None, description="what the clinic that referred should do")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and self.media_id is None:
            raise ValueError("text, a file, or both")
        return self


class LetterKept(BaseModel):
    """What the letter says beside the health record it is."""

    medications: list[MedicationChange]
    next_steps: str | None = None


class LetterPublic(LetterKept):
    """The letter, by the health record it is, and what it says beside."""

    health_record_id: uuid.UUID


class ReferralPublic(BaseModel):
    """A referral. ``content`` is null to who may know of it and no more: clerks, the operator's desk, and the clinic
    that was asked once it is over.
    """

    id: uuid.UUID
    resident_id: uuid.UUID
    resident_name: str | None
    from_organization_id: uuid.UUID
    from_organization: str
    to_organization_id: uuid.UUID
    to_organization: str
    practitioner_id: uuid.UUID | None
    requested_by: uuid.UUID
    requester_name: str | None
    root_id: uuid.UUID
    follows_id: uuid.UUID | None = Field(description="the referral it was passed on from, or goes back on")
    follows_as: Literal["redirect", "return"] | None
    state: State
    urgency: Urgency
    content: ReferralReason | None
    reason: str | None = Field(description="why it stands as it does, where somebody gave a reason")
    health_records: list[SharedRecordPublic]
    prescriptions: list[uuid.UUID]
    vitals: VitalsWindow | None
    version: int
    created_at: datetime
    changed_at: datetime
    requested_at: datetime | None
    due_at: datetime | None = Field(description="by when it is to be answered, a time chosen, or the letter written")
    step: int = Field(description="how often somebody was told that this has not happened")
    acknowledged_at: datetime | None
    acknowledged_by: uuid.UUID | None
    expires_at: datetime | None
    offers: list[OfferedTime]
    appointment_id: uuid.UUID | None
    letter: LetterPublic | None


class ReferralChangePublic(BaseModel):
    """How a referral stood after a change, and at whose word."""

    version: int
    at: datetime
    state: State
    side: Side
    changed_by: uuid.UUID | None = Field(description="empty: Hearthline itself")
    appointment_id: uuid.UUID | None
    reason: str | None


class ReferralDetail(ReferralPublic):
    """A referral with its history, and who was told of what was late."""

    history: list[ReferralChangePublic]
    steps: list[ClimbStepPublic]


class SharedContent(BaseModel):
    """What goes with a referral or a question, as it was said in the versions that were chosen."""

    health_records: list[HealthRecordPublic]
    prescriptions: list[PrescriptionPublic]


class ReferralRecords(SharedContent):
    """What goes with a referral, and whose it is."""

    name: str
    birth_date: date | None
    language: str
    vitals: VitalsWindow | None = Field(description="the time whose readings go with it; they have their own route")
