"""The end of a residence: one operation when a resident dies or moves out."""
