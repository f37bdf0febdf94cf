"""Writes of notifications: telling, and what the worker does with what was told."""
