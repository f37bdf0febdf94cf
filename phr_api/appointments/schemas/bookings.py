"""Wire shapes of holds, bookings and the waitlist."""
