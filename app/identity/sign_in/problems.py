"""Why somebody cannot sign in. None of it says whether an account exists."""

from app.core.problems import NotFound, Unauthenticated


class SignInCodeInvalid(Unauthenticated):
    """The code is wrong, was used, has expired, or was guessed at too often."""

    code, title = "sign_in_code_invalid", "The code is not valid"


class LoginNotAccepted(Unauthenticated):
    """The other issuer's token is not good, or belongs to nobody in this community."""

    code, title = "login_not_accepted", "This login is not accepted here"


class MethodNotOffered(NotFound):
    """This way of signing in is not offered here."""

    code, title = "sign_in_method_not_offered", "This way of signing in is not offered"
