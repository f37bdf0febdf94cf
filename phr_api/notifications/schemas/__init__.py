"""Wire shapes of notifications."""
