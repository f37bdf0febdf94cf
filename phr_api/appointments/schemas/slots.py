"""Wire shapes of schedules and slots."""
