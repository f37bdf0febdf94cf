"""R10: the whole list of functions that look across people, and who may call them."""

WEB, WORKER = {"phr_web"}, {"phr_worker"}

BASE: dict[str, set[str]] = {
    "access_names": WEB,
    "append_audit_chain": WORKER,
    "audit_day_head": WORKER,
    "audit_first_day": WORKER,
    "feed_fact": set(),
    "feed_profile": set(),
    "feed_row": set(),
    "find_carer_pair": WEB,
    "find_carer_pair_seen": WORKER,
    "find_refresh": WEB,
    "first_signing_key": WEB,
    "issue_activation": WEB,
    "link_by_claims": WEB,
    "lock_records": WORKER,
    "match_person": WORKER,
    "not_yet_shown": WEB,
    "sign_in_account": WEB,
    "staff_account": WORKER,
    "tell_together": WORKER,
    "trim_changes": WORKER,
    "trim_sessions": WORKER,
    "use_activation": WEB,
}
CLINICS: dict[str, set[str]] = {"directory_changed": set()}
APPOINTMENTS = {
    "facilities_due": WEB | WORKER,
    "is_awaited": WEB | WORKER,
    "offered_to": WEB,
    "phone_counts": WEB | WORKER,
    "waitlist_place": WEB,
}
QUEUE: dict[str, set[str]] = {"find_todays": WEB, "queue_place": WEB, "screen": WEB}
NOTIFICATIONS: dict[str, set[str]] = {
    "bind_push_token": WEB,
    "expiring": WORKER,
    "line_accounts": WORKER,
    "line_changed": set(),
    "notification_targets": WORKER,
    "stream_rights": WEB,
    "tell_opened": WEB | WORKER,
}
PHONES: dict[str, set[str]] = {"phone_account": WEB}
PAGES: dict[str, set[str]] = {}

DEFINERS = BASE | CLINICS | APPOINTMENTS | QUEUE | NOTIFICATIONS | PHONES | PAGES
