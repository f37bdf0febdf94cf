"""A booking as a calendar file."""
