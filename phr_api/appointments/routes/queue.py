"""The line: tickets, next, skip, screens, blocks."""
