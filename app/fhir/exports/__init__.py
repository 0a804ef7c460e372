"""Bulk Data Access: all that a clinic's system may know of its patients, written to files in the background."""
