"""Clinics: who works there, what can be booked of them, at which hours, and which times are still to be had."""
