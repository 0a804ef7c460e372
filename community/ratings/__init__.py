"""Ratings of help at home: given by who had it, looked at by the operator, answered by the provider."""
