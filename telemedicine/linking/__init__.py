"""Patient numbers: which of a clinic's own patients a resident is, said by the resident or checked by its staff."""
