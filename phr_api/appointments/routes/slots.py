"""Free times of a service, for everybody."""
