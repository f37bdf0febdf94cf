"""Wire shapes of the line."""
