"""One's bookings: read, move, cancel, answer."""
