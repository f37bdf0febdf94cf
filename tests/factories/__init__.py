"""make_x() saves one valid x and what it needs; a test names only what it is about."""
