"""What the worker does for appointments: steps that take `(session, at)`, a transaction each."""


def work_once() -> bool:
    """Do what is due now, in batches; whether there was anything to do."""
    return False
