"""Closing a day, and undoing it."""
