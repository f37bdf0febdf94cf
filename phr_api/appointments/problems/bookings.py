"""What can be refused about holds, bookings and the waitlist."""
