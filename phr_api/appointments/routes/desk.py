"""A facility's bookings: confirm, decline, propose, book a guest."""
