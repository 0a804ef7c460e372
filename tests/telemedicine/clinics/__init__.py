"""Tests of clinics."""
