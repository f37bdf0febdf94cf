"""What can be refused about schedules and slots."""
