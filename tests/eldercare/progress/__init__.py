"""Tests of how help comes."""
