"""Use cases of authorizations: promised, taken, let go, given back."""
