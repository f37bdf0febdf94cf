"""What tests of appointments share."""

from collections.abc import Generator
from datetime import timedelta

import pytest

from phr_api.kit import clock


@pytest.fixture
def noon() -> Generator[None]:
    """Let it be noon in Viet Nam, so that a little earlier and later are today as well."""
    now = clock.now().astimezone(clock.VIETNAM)
    ahead = now.replace(hour=12, minute=0, second=0, microsecond=0) - now
    with clock.moved(ahead if ahead > timedelta() else ahead + timedelta(days=1)):
        yield
