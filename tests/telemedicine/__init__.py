"""Tests of telemedicine."""
