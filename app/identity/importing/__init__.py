"""Getting whole communities in: residents, households, contacts and consents from the operator's files."""
