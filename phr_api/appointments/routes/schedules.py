"""Schedules, exceptions and replans, for a facility's staff."""
