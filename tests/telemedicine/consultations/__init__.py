"""Tests of video visits."""
