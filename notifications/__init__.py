"""Notices that reach people: written with the fact they tell of, sent by the worker, kept in the inbox."""
