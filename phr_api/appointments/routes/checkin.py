"""Check-in by code, card or list."""
