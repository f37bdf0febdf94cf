"""Writes of appointments: one function a use case, in the transaction of its caller."""
