"""What a living person can measure. Pure: numbers in, verdicts out.

Ranges are wide on purpose: they catch a slipped decimal or a wrong unit, not an illness.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class MeasurementKind(StrEnum):
    """What a person measures at home."""

    BLOOD_PRESSURE = "blood-pressure"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    TEMPERATURE = "temperature"
    SPO2 = "spo2"
    HEART_RATE = "heart-rate"
    HEIGHT = "height"


@dataclass(frozen=True, slots=True)
class Plausible:
    """The accepted range of a value, both ends included."""

    lowest: Decimal
    highest: Decimal

    def holds(self, value: Decimal) -> bool:
        return self.lowest <= value <= self.highest


def _range(lowest: str, highest: str) -> Plausible:
    return Plausible(Decimal(lowest), Decimal(highest))


# By kind and unit, the usual one first. For blood pressure: the systolic value.
RANGES: dict[MeasurementKind, dict[str, Plausible]] = {
    MeasurementKind.BLOOD_PRESSURE: {"mmHg": _range("40", "300")},
    MeasurementKind.GLUCOSE: {"mmol/L": _range("0.5", "60"), "mg/dL": _range("10", "1080")},
    MeasurementKind.WEIGHT: {"kg": _range("0.3", "500")},
    MeasurementKind.TEMPERATURE: {"°C": _range("25", "45")},
    MeasurementKind.SPO2: {"%": _range("30", "100")},
    MeasurementKind.HEART_RATE: {"/min": _range("20", "300")},
    MeasurementKind.HEIGHT: {"cm": _range("20", "260")},
}
DIASTOLIC = _range("20", "200")
UNITS = sorted({unit for units in RANGES.values() for unit in units})


@dataclass(frozen=True, slots=True)
class Fault:
    """Which field of a measurement is out of range, and the range; never the value."""

    field: str
    unit: str
    range: Plausible


def known_unit(kind: MeasurementKind, unit: str) -> bool:
    """Tell whether this kind is given in this unit."""
    return unit in RANGES[kind]


def find_fault(
    kind: MeasurementKind, unit: str, value: Decimal, diastolic: Decimal | None
) -> Fault | None:
    """Return what no living person can have measured, or None. `unit` is known for `kind`.

    For blood pressure `value` is the systolic one, and the diastolic lies below it.
    """
    accepted = RANGES[kind][unit]
    name = "systolic" if kind is MeasurementKind.BLOOD_PRESSURE else "value"
    if not accepted.holds(value):
        return Fault(name, unit, accepted)
    if diastolic is None:
        return None
    below = Plausible(DIASTOLIC.lowest, min(DIASTOLIC.highest, value - 1))
    return None if below.holds(diastolic) else Fault("diastolic", unit, below)
