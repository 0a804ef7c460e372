"""As whom support may look on, and what whoever does is refused at one place, whatever the person viewed may do."""

from typing import Final

from fastapi import Request

from app.core.access import NOT_VIEWED
from app.identity.addresses import is_fhir
from app.identity.viewing.problems import NotWhileViewing, ViewingIsReadOnly

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


MAY_BE_VIEWED: Final = """
    NOT EXISTS (
        SELECT FROM identity_membership m JOIN identity_organization o ON o.id = m.organization_id
        WHERE m.account_id = a.id AND m.ended_at IS NULL
          AND (m.role = 'operator' OR o.community_id <> a.community_id)
    )
"""
"""Whose account ``a`` support may look on as: nobody who is an operator, or works for another community."""


def refuse_all_but_reading(request: Request) -> None:
    """Raise ``ViewingIsReadOnly`` for whatever is written, ``NotWhileViewing`` for what is the person's alone.

    The FHIR service is for apps, and exports in bulk begin there by a mere GET.
    """
    if request.method not in _READING:
        raise ViewingIsReadOnly
    endpoint = request.scope.get("endpoint")
    if is_fhir(request.url.path) or getattr(endpoint, NOT_VIEWED, None) is not None:
        raise NotWhileViewing
