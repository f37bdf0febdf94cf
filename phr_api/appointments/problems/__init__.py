"""What can be refused, by owner: slots, bookings, queue."""
