"""What can go wrong with patient numbers, as problems a caller can act on."""

from app.core.problems import Conflict, TooManyRequests


class LinkCodeInvalid(Conflict):
    """The code is unknown, was used, is of another community or is over: which of these is nobody's to know."""

    code, title = "link_code_invalid", "The code is not valid"


class TooManyWrongCodes(TooManyRequests):
    """The clinic has tried as many wrong codes as it may in an hour; no code is looked at until ``Retry-After``."""

    code, title = "too_many_wrong_codes", "Too many wrong codes"


class NumberTaken(Conflict):
    """The clinic's number is somebody else's: that link has to end before it can be this resident's."""

    code, title = "patient_number_taken", "This number is linked to another resident"
