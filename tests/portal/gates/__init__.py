"""Tests of the page of a gate, without a browser: as it is served, and its scripts in Node."""
