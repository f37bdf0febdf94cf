"""From deliveries to senders."""


def deliver_once() -> bool:
    """Hand a batch of due deliveries to their senders; whether there was anything to do."""
    return False
