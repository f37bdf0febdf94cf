"""What can be refused about the line."""
