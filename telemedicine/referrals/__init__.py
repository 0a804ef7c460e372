"""Referrals from clinic to clinic and back, and questions of one clinic's clinicians to another's."""
