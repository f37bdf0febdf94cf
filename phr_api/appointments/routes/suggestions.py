"""What to book next, from the health book."""
