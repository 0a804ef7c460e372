"""What a clinic's pages stand on; all of them are for its staff alone."""

from typing import Final

_OF: Final = "/portal/clinic/{organization_id}"
_PATIENT: Final = f"{_OF}/patients/{{resident_id}}"
_DAY: Final = ("getClinic", "listClinicAppointments", "listPractitioners", "listClinicQueueTickets")
_QUEUE: Final = ("getClinic", "listClinicQueueTickets", "listDepartments")
_BOARD: Final = ("getClinic", "getQueueBoard")
_STAFF: Final = ("getClinic", "getQueueBoard")
_RENEWALS: Final = ("getClinic", "listClinicRenewalRequests")
_REFERRALS: Final = ("getClinic", "listClinicReferrals")
_QUESTIONS: Final = ("getClinic", "listClinicQuestions", "listClinics")
_VIDEO: Final = (*_STAFF, "listHeldConsultations")

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/portal/clinic": (),
    _OF: _DAY,
    f"{_OF}/part": _DAY,
    f"{_OF}/appointments/{{appointment_id}}": (*_STAFF, "getAppointment", "getAppointmentPreparation"),
    f"{_OF}/book": _STAFF,
    f"{_OF}/board": _BOARD,
    f"{_OF}/board/part": _BOARD,
    f"{_OF}/screens": ("getClinic", "listQueueDisplays"),
    f"{_OF}/queue": _QUEUE,
    f"{_OF}/queue/part": _QUEUE,
    _PATIENT: (*_STAFF, "getOwnAccess"),
    f"{_PATIENT}/documents/{{record_id}}": (
        *_STAFF,
        "getResidentHealthRecord",
        "listResidentHealthRecordVersions",
    ),
    f"{_PATIENT}/prescriptions": (*_STAFF, "listResidentPrescriptions"),
    f"{_PATIENT}/prescriptions/{{prescription_id}}": (*_STAFF, "getResidentPrescription"),
    f"{_PATIENT}/refer": (*_STAFF, "listClinics", "listResidentHealthRecords", "listResidentPrescriptions"),
    f"{_OF}/renewals": _RENEWALS,
    f"{_OF}/renewals/part": _RENEWALS,
    f"{_OF}/referrals": _REFERRALS,
    f"{_OF}/referrals/part": _REFERRALS,
    f"{_OF}/referrals/{{referral_id}}": (*_STAFF, "getReferral"),
    f"{_OF}/questions": _QUESTIONS,
    f"{_OF}/questions/part": _QUESTIONS,
    f"{_OF}/questions/{{question_id}}": (*_STAFF, "getQuestion"),
    f"{_PATIENT}/ask": (*_STAFF, "listClinics", "listResidentHealthRecords", "listResidentPrescriptions"),
    f"{_OF}/video": _VIDEO,
    f"{_OF}/video/part": _VIDEO,
}
