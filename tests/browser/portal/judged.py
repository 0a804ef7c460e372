"""Where each page is judged that is not met on the walk through all looks: by its own area's journey, or one by one."""

from typing import Final

_ATTRACTION: Final = "/portal/attraction/{organization_id}/{attraction_id}"
_CLINIC: Final = "/portal/clinic/{organization_id}"
_PATIENT: Final = f"{_CLINIC}/patients/{{resident_id}}"
_PROVIDER: Final = "/portal/provider/{organization_id}"

JUDGED: Final[dict[str, tuple[str, ...]]] = {
    "test_journeys_attraction": (
        _ATTRACTION,
        *(
            f"{_ATTRACTION}/{page}"
            for page in (
                "addons",
                "cancellations",
                "cancellations/new",
                "cancellations/{cancellation_id}",
                "days",
                "days/{day}",
                "edit",
                "gates",
                "gates/{gate_id}",
                "hours",
                "office",
                "orders",
                "products",
                "products/{product_id}",
                "quotas",
                "quotas/{quota_id}",
                "sales",
                "seasons",
                "seasons/new",
                "slots/{slot_id}",
                "terms",
                "weeks/{day}",
            )
        ),
    ),
    "test_journeys_clinic": (
        _CLINIC,
        f"{_CLINIC}/book",
        f"{_CLINIC}/queue",
        f"{_CLINIC}/screens",
        "/portal/clinic/display/{secret}",
        _PATIENT,
        f"{_PATIENT}/prescriptions",
        f"{_PATIENT}/prescriptions/{{prescription_id}}",
    ),
    "test_journeys_provider": (
        "/portal/provider/mine",
        "/portal/provider/mine/orders/{order_id}",
        "/portal/provider/mine/times",
        _PROVIDER,
        f"{_PROVIDER}/complaints",
        f"{_PROVIDER}/orders/{{order_id}}",
        f"{_PROVIDER}/people",
        f"{_PROVIDER}/people/{{worker_id}}",
        f"{_PROVIDER}/plan",
        f"{_PROVIDER}/ratings",
        f"{_PROVIDER}/statements",
        f"{_PROVIDER}/statements/{{month}}",
    ),
    "test_journeys_resident": ("/me", "/me/appointments", "/me/doses", "/me/help", "/me/offline"),
    "test_journeys_life": (
        "/me/home",
        "/me/home/commands/{command_id}",
        "/me/looked-at",
        "/me/messages",
        "/me/messages/notices",
        "/me/services",
        "/me/services/book/{service_id}",
        "/me/services/book/{service_id}/repeat",
        "/me/services/repeats/{series_id}",
        "/me/services/repeats/{series_id}/ending",
        "/me/services/orders/{order_id}",
        "/me/services/orders/{order_id}/calling-off",
        "/me/tickets",
        "/me/tickets/buy",
        "/me/tickets/buy/{attraction_id}",
        "/me/tickets/codes/{ticket_id}",
        "/portal/payments/{reference_id}",
        "/portal/payments/{reference_id}/made-up-bank",
    ),
    "test_journeys_road": ("/portal/road", "/portal/road/visits/{visit_id}"),
}
"""The journey in which each page is opened and judged with axe."""

WALKED: Final[dict[str, str]] = {
    "/portal/attraction": "agency",
    f"{_ATTRACTION}/orders/{{order_id}}": "agency",
    f"{_ATTRACTION}/products/new": "agency",
    f"{_ATTRACTION}/addons/new": "agency",
    f"{_ATTRACTION}/addons/{{addon_id}}": "agency",
    f"{_ATTRACTION}/seasons/{{template_id}}": "agency",
    f"{_CLINIC}/appointments/{{appointment_id}}": "clinician",
    f"{_CLINIC}/board": "clinician",
    f"{_CLINIC}/questions": "clinician",
    f"{_CLINIC}/questions/{{question_id}}": "clinician",
    f"{_CLINIC}/referrals": "clinician",
    f"{_CLINIC}/referrals/{{referral_id}}": "clinician",
    f"{_CLINIC}/renewals": "clinician",
    f"{_CLINIC}/video": "clinician",
    f"{_PATIENT}/ask": "clinician",
    f"{_PATIENT}/documents/{{record_id}}": "clinician",
    f"{_PATIENT}/refer": "clinician",
    f"{_PROVIDER}/complaints/{{order_id}}": "operator",
    f"{_PROVIDER}/statements/payouts/{{transfer_id}}": "operator",
    "/portal/provider/mine/ratings": "carer",
    "/portal/provider/mine/without-line/{language}": "nobody",
    "/portal/road/door": "carer",
    "/portal/road/orders/{order_id}": "carer",
    "/portal/road/without-line/{language}": "nobody",
    "/me/looked-at/grants/{grant_id}": "resident",
    "/me/services/past": "resident",
    "/me/services/orders/{order_id}/complaint": "resident",
    "/me/services/orders/{order_id}/rating": "resident",
    "/me/tickets/orders/{order_id}/giving-back": "resident",
    "/me/tickets/past": "resident",
}
"""Pages no journey leads through, and who of the access matrix's world opens them on the walk."""

LEADING_ON: Final = {"/portal/clinic", "/portal/provider", "/portal/payments/{reference_id}/bank"}
"""They lead on: to the one clinic or company somebody works for, to one's bank."""
