"""From the outbox to deliveries: who gets it, on which devices, and when."""


def drain_once() -> bool:
    """Expand a batch of what was told into deliveries; whether there was anything to do."""
    return False
