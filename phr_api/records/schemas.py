"""Wire shapes of intake. Nothing here names a person, nor whose record a visit went to (R11)."""

from datetime import date, timedelta
from typing import Any

from marshmallow import (
    ValidationError,
    fields,
    post_load,
    pre_dump,
    validate,
    validates_schema,
)

from phr_api.kit import clock
from phr_api.kit.web import Moment, Schema, language
from phr_api.records.models import Outcome, Submission, SubmissionState
from phr_api.records.problems import PeriodTooLong
from phr_api.records.service.commands import CorrectedPerson, Decision, Reattachment
from phr_api.vocab import PartialDate

LONGEST_PERIOD = timedelta(days=366)
OUTCOMES = [outcome.value for outcome in Outcome]
REASON = {
    "description": "why; the person concerned reads it in their access log",
    "example": "Nhập nhầm người bệnh",
}

# days on which this service can have received anything
A_DAY = validate.Range(date(2000, 1, 1), date(2999, 12, 31))


class NewSubmissionQuerySchema(Schema):
    validate_only = fields.Boolean(
        load_default=False,
        metadata={"description": "only report: no visit, person or identifier is written"},
    )


class PageSchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(1, 400))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class SubmissionsQuerySchema(PageSchema):
    state = fields.String(
        load_default=None, validate=validate.OneOf([state.value for state in SubmissionState])
    )


class EntriesQuerySchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(1, 400))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    outcome = fields.String(load_default=None, validate=validate.OneOf(OUTCOMES))


class ReasonSchema(Schema):
    """Where a visit is not as it should be; `received` is a shape such as "11 digits"."""

    table = fields.String(required=True, allow_none=True)
    row = fields.Integer(required=True, allow_none=True)
    element = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    expected = fields.String(required=True, allow_none=True)
    received = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)

    @pre_dump
    def in_callers_language(self, reason: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**reason, "message": reason["message"][language()]}


class EntrySchema(Schema):
    ordinal = fields.Integer(required=True)
    visit = fields.String(
        required=True, allow_none=True, attribute="ma_lk", metadata={"description": "MA_LK"}
    )
    patient_code = fields.String(
        required=True, allow_none=True, attribute="ma_bn", metadata={"description": "MA_BN"}
    )
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class CountsSchema(Schema):
    accepted = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    superseded = fields.Integer(required=True)
    needs_review = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class RefusalSchema(Schema):
    code = fields.String(required=True)
    message = fields.String(required=True)

    @pre_dump
    def in_callers_language(self, refusal: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"code": refusal["code"], "message": refusal["message"][language()]}


class SubmissionSchema(Schema):
    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(SubmissionState)))
    validate_only = fields.Boolean(required=True)
    sent_bytes = fields.Integer(required=True)
    sent_sha256 = fields.String(required=True, data_key="sentSha256")
    inflated_bytes = fields.Integer(required=True, allow_none=True)
    inflated_sha256 = fields.String(required=True, allow_none=True, data_key="inflatedSha256")
    source = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "CHUKYDONVI: absent, present-not-verified or verified"},
    )
    declared_visits = fields.Integer(required=True, allow_none=True)
    visits = fields.Integer(required=True, allow_none=True)
    counts = fields.Nested(CountsSchema, required=True)
    refusal = fields.Nested(RefusalSchema, required=True, allow_none=True)
    received_at = Moment(required=True)
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)

    @pre_dump
    def to_wire(self, source: Submission | dict[str, Any], **_: Any) -> dict[str, Any]:
        return submission_fields(source) if isinstance(source, Submission) else source


def submission_fields(row: Submission) -> dict[str, Any]:
    """The fields of SubmissionSchema, also for a wider schema to add to."""
    return {
        "id": row.id,
        "state": row.state,
        "validate_only": row.validate_only,
        "sent_bytes": row.sent_bytes,
        "sent_sha256": row.sent_sha256.hex(),
        "inflated_bytes": row.inflated_bytes,
        "inflated_sha256": row.inflated_sha256.hex() if row.inflated_sha256 else None,
        "source": row.source_state,
        "declared_visits": row.declared_count,
        "visits": row.visit_count,
        "counts": all_counts(row.counts),
        "refusal": row.refusal,
        "received_at": row.received_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def all_counts(counts: dict[str, int]) -> dict[str, int]:
    """One count an outcome, zeroes included, under Python names."""
    return {name.replace("-", "_"): counts.get(name, 0) for name in OUTCOMES}


class SubmissionsSchema(Schema):
    items = fields.List(fields.Nested(SubmissionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class SubmissionDetailSchema(SubmissionSchema):
    entries = fields.List(fields.Nested(EntrySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class RejectionsQuerySchema(PageSchema):
    day = fields.Date(
        load_default=None, validate=A_DAY, metadata={"description": "the day of arrival"}
    )
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", "csv"]),
        metadata={"description": "csv gives all of them; the Accept header may ask for it too"},
    )


class RejectionSchema(EntrySchema):
    submission_id = fields.UUID(required=True)
    received_at = Moment(required=True, attribute="entered_at")


class RejectionsSchema(Schema):
    items = fields.List(fields.Nested(RejectionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class TotalsQuerySchema(Schema):
    first = fields.Date(required=True, validate=A_DAY, data_key="from")
    last = fields.Date(required=True, validate=A_DAY, data_key="to")

    @validates_schema
    def is_a_period(self, data: dict[str, Any], **_: Any) -> None:
        if not timedelta() <= data["last"] - data["first"] < LONGEST_PERIOD:
            raise PeriodTooLong


class DayTotalsSchema(Schema):
    day = fields.Date(required=True)
    files = fields.Integer(required=True)
    refused_files = fields.Integer(required=True)
    counts = fields.Nested(CountsSchema, required=True)

    @pre_dump
    def with_all_counts(self, row: Any, **_: Any) -> dict[str, Any]:
        return {
            "day": row.day,
            "files": row.files,
            "refused_files": row.refused_files,
            "counts": all_counts(row.counts),
        }


class TotalsSchema(Schema):
    days = fields.List(fields.Nested(DayTotalsSchema), required=True)
    open_rejections = fields.Integer(required=True)
    waiting_reviews = fields.Integer(required=True)


class VersionSchema(Schema):
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    submission_id = fields.UUID(required=True)
    ordinal = fields.Integer(required=True)
    source = fields.String(required=True, attribute="source_state")
    received_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class OrderSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    decision = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    ordered_by = fields.String(
        required=True, attribute="actor_kind", metadata={"description": "staff or system"}
    )
    state = fields.String(required=True)
    refusal = fields.String(required=True, allow_none=True)
    ordered_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)


class VisitSchema(Schema):
    visit = fields.String(required=True, metadata={"description": "MA_LK"})
    state = fields.String(required=True, metadata={"description": "of the newest version"})
    versions = fields.List(fields.Nested(VersionSchema), required=True)
    orders = fields.List(fields.Nested(OrderSchema), required=True)


class ReviewSchema(Schema):
    id = fields.UUID(required=True)
    visit = fields.String(required=True, attribute="ma_lk")
    patient_code = fields.String(required=True, allow_none=True, attribute="ma_bn")
    submission_id = fields.UUID(required=True)
    received_at = Moment(required=True)
    age_days = fields.Function(lambda row: (clock.now() - row.received_at).days, required=True)
    disagrees = fields.List(
        fields.String(),
        required=True,
        attribute="match_reasons",
        metadata={"description": "which received facts disagree with the number's holder"},
    )


class ReviewsSchema(Schema):
    items = fields.List(fields.Nested(ReviewSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class WithdrawalSchema(Schema):
    reason = fields.String(required=True, validate=validate.Length(3, 500), metadata=REASON)


class DecisionSchema(Schema):
    decision = fields.String(
        required=True,
        validate=validate.OneOf(["same-person", "different-person"]),
        metadata={"description": "whether the visit belongs to the holder of its number"},
    )
    reason = fields.String(required=True, validate=validate.Length(3, 500), metadata=REASON)

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> Decision:
        return Decision(**data)


def partial_date(text: str) -> None:
    """Raise ValidationError for a day that no calendar has; parts may be left out."""
    try:
        PartialDate.parse(text)
    except ValueError as error:
        raise ValidationError("Not a date like 1985, 1985-03 or 1985-03-02.") from error


class CorrectedPersonSchema(Schema):
    full_name = fields.String(required=True, validate=validate.Length(1, 255))
    birth = fields.String(
        required=True,
        validate=[validate.Regexp(r"^\d{4}(-\d{2}(-\d{2})?)?\Z"), partial_date],
        metadata={"description": "birth date, parts unknown left out", "example": "1990-02-28"},
    )
    sex = fields.String(required=True, validate=validate.OneOf(["male", "female", "unknown"]))
    number = fields.String(
        load_default=None,
        validate=validate.Length(8, 15),
        metadata={"description": "citizen number, passport or insurance card, if known"},
    )

    @post_load
    def to_person(self, data: dict[str, Any], **_: Any) -> CorrectedPerson:
        return CorrectedPerson(**data)


class ReattachmentSchema(Schema):
    reason = fields.String(required=True, validate=validate.Length(3, 500), metadata=REASON)
    person = fields.Nested(
        CorrectedPersonSchema,
        required=True,
        metadata={"description": "whose visit it really is; matched as if received so"},
    )

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> Reattachment:
        return Reattachment(**data)
