"""Wire shapes of appointments."""
