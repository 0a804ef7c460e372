"""Dispatch: who goes where when. One planner for care visits and for whatever else takes people to homes."""
