"""Wire shapes of what is read. The database makes the JSON; a test compares it with these.

A member that is not `required` is left out when there is no value.
"""

from typing import Any

from marshmallow import fields, validate

from phr_api.healthbook.schemas.entries import AllergySchema, ConditionSchema, MeasurementSchema
from phr_api.healthbook.schemas.fields import (
    LONGEST_CURSOR,
    PlaceSchema,
    WordsSchema,
    no_control_characters,
)
from phr_api.kit.web import Moment, Schema

STATUSES: dict[str, Any] = {"description": "current, superseded or withdrawn"}


class LabelledSchema(Schema):
    id = fields.UUID(required=True)
    classes = fields.List(fields.String(), metadata={"description": "sensitivity classes"})


class OfVisitSchema(LabelledSchema):
    encounter_id = fields.UUID(required=True)
    received = fields.Dict(metadata={"description": "every field as it came, if asked for"})


class BookIdentifierSchema(Schema):
    system = fields.String(required=True)
    value = fields.String(required=True)
    assurance = fields.String(required=True)


class BookAddressSchema(Schema):
    scheme = fields.String(required=True)
    list_version = fields.String(required=True)
    province = fields.Nested(WordsSchema)
    district_code = fields.String()
    commune_code = fields.String()
    line = fields.String()


class BookProfileSchema(Schema):
    id = fields.UUID(required=True)
    full_name = fields.String(required=True)
    sex = fields.String(required=True)
    birth = fields.String(required=True, metadata={"description": "as exact as known"})
    phone = fields.String()
    ethnicity = fields.Nested(WordsSchema)
    nationality = fields.Nested(WordsSchema)
    occupation = fields.Nested(WordsSchema)
    blood_group = fields.String()
    identifiers = fields.List(fields.Nested(BookIdentifierSchema))
    addresses = fields.List(fields.Nested(BookAddressSchema))


class BookCoverageSchema(Schema):
    id = fields.UUID(required=True)
    card_number = fields.String(required=True)
    valid_from = fields.Date()
    valid_until = fields.Date()
    registered_facility = fields.Nested(PlaceSchema)


class DiagnosisSchema(WordsSchema):
    role = fields.String(required=True, metadata={"description": "main, other, traditional"})


class EncounterSchema(LabelledSchema):
    status = fields.String(required=True, metadata=STATUSES)
    facility = fields.Nested(PlaceSchema, required=True)
    care_type = fields.Nested(WordsSchema)
    started_at = Moment(required=True)
    admitted_at = Moment()
    ended_at = Moment()
    is_arrival = fields.Boolean(metadata={"description": "the visit has only begun"})
    medicines_until = fields.Date(metadata={"description": "last day of the medicine given"})
    reason = fields.String()
    admission_diagnosis = fields.String()
    discharge_diagnosis = fields.String()
    diagnoses = fields.List(fields.Nested(DiagnosisSchema))
    outcome = fields.Nested(WordsSchema)
    discharge_kind = fields.Nested(WordsSchema)
    category = fields.Nested(WordsSchema)
    treatment = fields.String()
    advice = fields.String()
    revisit_on = fields.List(fields.Date())
    departments = fields.List(fields.String())
    record_number = fields.String()
    referred_from = fields.Nested(PlaceSchema)
    referred_to = fields.Nested(PlaceSchema)
    blood_group = fields.String()
    weight_kg = fields.Float()
    visit_key = fields.String(required=True, metadata={"description": "MA_LK of the facility"})
    source_state = fields.String(required=True)
    supersedes = fields.UUID()
    superseded_by = fields.UUID()


class MedicationSchema(OfVisitSchema):
    code = fields.String()
    name = fields.String(required=True)
    strength = fields.String()
    form = fields.String()
    route = fields.Nested(WordsSchema)
    dose_text = fields.String()
    instructions = fields.String()
    quantity = fields.Float()
    unit = fields.String()
    ordered_at = Moment()
    medicines_until = fields.Date(metadata={"description": "last day by the dose text"})
    prescriber = fields.String()


class ProcedureSchema(OfVisitSchema):
    kind = fields.String(required=True, metadata={"description": "service or supply"})
    code = fields.String()
    name = fields.String(required=True)
    group = fields.Nested(WordsSchema)
    quantity = fields.Float()
    unit = fields.String()
    ordered_at = Moment()
    performed_at = Moment()
    resulted_at = Moment()


class ResultSchema(OfVisitSchema):
    service_code = fields.String()
    service_name = fields.String()
    code = fields.String()
    name = fields.String(required=True)
    value = fields.String(metadata={"description": "as received"})
    number = fields.Float(metadata={"description": "when the value is plainly a number"})
    unit = fields.String()
    description = fields.String()
    conclusion = fields.String()
    at = Moment()


class VitalsSchema(Schema):
    pulse = fields.Integer()
    temperature = fields.Float()
    systolic = fields.Integer()
    diastolic = fields.Integer()
    respiration = fields.Integer()
    spo2 = fields.Integer()
    nursing_level = fields.Integer()


class NoteSchema(OfVisitSchema):
    at = Moment()
    text = fields.String()
    stage = fields.String()
    consultation = fields.String()
    operation = fields.String()
    vitals = fields.Nested(VitalsSchema)
    authors = fields.List(fields.String())


class ProgrammeSchema(OfVisitSchema):
    kind = fields.String(required=True, metadata={"description": "hiv or tb"})
    started_on = fields.Date()
    ended_on = fields.Date()
    regimen = fields.String()


class PaperSchema(OfVisitSchema):
    kind = fields.Nested(WordsSchema, required=True)
    status = fields.String(required=True, metadata=STATUSES)
    number = fields.String()
    issued_on = fields.Date()
    from_on = fields.Date()
    to_on = fields.Date()
    appointment_on = fields.Date()
    diagnosis = fields.String()
    to_facility = fields.Nested(PlaceSchema)
    details = fields.Dict(required=True)
    facility = fields.Nested(PlaceSchema)


class ImmunizationSchema(LabelledSchema):
    vaccine_code = fields.String()
    vaccine_name = fields.String(required=True)
    occurred_on = fields.Date(required=True)
    dose_number = fields.Integer()
    lot_number = fields.String()
    facility = fields.Nested(PlaceSchema)


class CostSchema(Schema):
    """In VND, as received."""

    total = fields.Float()
    insured_total = fields.Float()
    insurance_paid = fields.Float()
    co_payment = fields.Float()
    self_paid = fields.Float()
    other_sources = fields.Float()


class BookVisitSchema(EncounterSchema):
    received = fields.Dict(metadata={"description": "every field as it came, if asked for"})
    cost = fields.Nested(CostSchema, required=True)
    medications = fields.List(fields.Nested(MedicationSchema), required=True)
    results = fields.List(fields.Nested(ResultSchema), required=True)
    procedures = fields.List(fields.Nested(ProcedureSchema), required=True)
    notes = fields.List(fields.Nested(NoteSchema), required=True)
    programmes = fields.List(fields.Nested(ProgrammeSchema), required=True)
    papers = fields.List(fields.Nested(PaperSchema), required=True)


class HealthBookSchema(Schema):
    """With `sections=` only those that were asked for."""

    profile = fields.Nested(BookProfileSchema)
    coverage = fields.List(fields.Nested(BookCoverageSchema))
    encounters = fields.List(fields.Nested(EncounterSchema))
    medications = fields.List(fields.Nested(MedicationSchema))
    results = fields.List(fields.Nested(ResultSchema))
    procedures = fields.List(fields.Nested(ProcedureSchema))
    programmes = fields.List(fields.Nested(ProgrammeSchema))
    papers = fields.List(fields.Nested(PaperSchema))
    immunizations = fields.List(fields.Nested(ImmunizationSchema))
    allergies = fields.List(fields.Nested(AllergySchema))
    conditions = fields.List(fields.Nested(ConditionSchema))
    measurements = fields.List(fields.Nested(MeasurementSchema))


class PageSchema(Schema):
    next = fields.String(required=True, allow_none=True)


class EncounterPageSchema(PageSchema):
    items = fields.List(fields.Nested(EncounterSchema), required=True)


class MedicationPageSchema(PageSchema):
    items = fields.List(fields.Nested(MedicationSchema), required=True)


class ResultLineSchema(ResultSchema):
    facility = fields.Nested(PlaceSchema, metadata={"description": "in a series"})


class ResultPageSchema(PageSchema):
    """A page, newest first; with `code` a series, oldest first, of which `next` is always null."""

    code = fields.String(metadata={"description": "of a series"})
    name = fields.String(metadata={"description": "of a series"})
    items = fields.List(fields.Nested(ResultLineSchema), required=True)


class PaperPageSchema(PageSchema):
    items = fields.List(fields.Nested(PaperSchema), required=True)


class PageQuerySchema(Schema):
    before = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class MedicationQuerySchema(PageQuerySchema):
    until = fields.Date(
        load_default=None,
        metadata={"description": "only medicines that last until this day or longer"},
    )


class ResultQuerySchema(PageQuerySchema):
    code = fields.String(
        load_default=None,
        validate=[validate.Length(1, 300), no_control_characters],
        metadata={
            "description": "one result as a series for a chart, oldest first: its code, or its"
            " name if the hospital gave it none"
        },
    )


class ReceivedQuerySchema(Schema):
    received = fields.Boolean(
        load_default=False, metadata={"description": "with every field as it came"}
    )


class FeedQuerySchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


class ChangeSchema(Schema):
    kind = fields.String(required=True)
    id = fields.UUID(required=True)
    op = fields.String(required=True, validate=validate.OneOf(["upsert", "tombstone"]))
    section = fields.String(required=True)


class ChangesSchema(Schema):
    items = fields.List(fields.Nested(ChangeSchema), required=True)
    next = fields.String(required=True)
    has_more = fields.Boolean(required=True)
    access_lost = fields.Boolean(required=True)


class AccessSchema(Schema):
    """One act on the record: who, for which facility, when, what, why.

    A carer is told reasons, and names of citizens, of their own acts alone.
    """

    id = fields.UUID(required=True)
    at = Moment(required=True)
    action = fields.String(required=True)
    actor = fields.String(
        required=True, metadata={"description": "citizen, staff, system or operator"}
    )
    name = fields.String(required=True, allow_none=True)
    facility = fields.Nested(PlaceSchema, required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class AccessLogSchema(PageSchema):
    items = fields.List(fields.Nested(AccessSchema), required=True)
