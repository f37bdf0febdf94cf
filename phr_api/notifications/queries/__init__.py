"""Reads of notifications, under the scope that the caller has set."""
