"""Tests of Hearthline; the folders mirror the packages."""
