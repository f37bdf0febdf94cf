"""What intake counts for the operator."""

from prometheus_client import Counter, Histogram

visits = Counter("phr_intake_visits", "Visits by what became of them.", labelnames=("outcome",))
files = Counter("phr_intake_files", "Files by their last state.", labelnames=("state",))
file_seconds = Histogram(
    "phr_intake_file_seconds",
    "Time from the worker's first look at a file to its end.",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300),
)
