"""What can go wrong with health records, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden, Malformed


class ContentRefused(Malformed):
    """What was said cannot be so: it lies in the future, before the resident was born, or contradicts itself."""

    code, title = "health_record_refused", "This cannot be so"


class NoTreatment(Forbidden):
    """The clinic may see such data, but does not treat the resident: no appointment, number or visit within a year."""

    code, title = "no_treatment", "The clinic does not treat the resident"


class ForClinicians(Forbidden):
    """Only a clinic that treats the resident says this."""

    code, title = "for_the_clinic", "This is for the clinics that treat the resident"


class AnothersRecord(Forbidden):
    """A clinic answers for its own records, a resident for their own: others do not correct them."""

    code, title = "anothers_record", "Somebody else answers for this"


class KindFixed(Conflict):
    """A record stays of the kind it is; another kind is another record."""

    code, title = "health_record_kind", "The record is of another kind"


class EnteredInError(Conflict):
    """The record was marked as entered in error; what is right is entered anew."""

    code, title = "health_record_in_error", "The record was entered in error"


class TooManyVersions(Conflict):
    """The record has been corrected too often; mark it as entered in error, and enter it anew."""

    code, title = "too_many_versions", "The record has too many versions"


class TooManyRecords(Conflict):
    """As much as residents can enter of themselves is there already."""

    code, title = "too_many_health_records", "No more can be entered"
