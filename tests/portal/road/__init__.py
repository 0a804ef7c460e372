"""Tests of the pages of carers on the road."""
