"""Reads of appointments, under the scope that the caller has set."""
