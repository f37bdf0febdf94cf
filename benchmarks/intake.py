"""Intake: visits a second through the whole pipeline, and its memory.

Two processes take in a file each at the same time, one visit after the other (INTAKE_THREADS=1), as
two workers do on a machine of two cores. The peer is lxml's parse and the Base64 decoding of the
same files alone: no splitting, no checks, no compression or encryption, no database. The files of
every round hold visits never seen before, of people never seen before who come twice, half a file
apart; then the same files come once more. After the first files, which are not measured, the tables
are analyzed, as autovacuum does within a minute of them unless it is told otherwise.
"""

import base64
import gzip
import io
import itertools
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
from lxml import etree
from sqlalchemy import text

from benchmarks.installation import Installation, install
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.scale import Scale
from phr_api import worker
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer
from phr_api.records import take_in
from phr_api.settings import Settings

PROCESSES = 2
MOST_MEMORY_MIB = 300
FACILITY = "99001"
SAMPLES = Path(__file__).parents[1] / "tests" / "data"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS><THONGTINDONVI><MACSKCB>99001</MACSKCB>'
    "</THONGTINDONVI><THONGTINHOSO><NGAYLAP>20261005</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>"
    "<DANHSACHHOSO>{visits}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
)
STARTER = (
    "import resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
_visits, _people = itertools.count(1), itertools.count(1)


def sample_tables() -> list[list[tuple[str, str]]]:
    """Return the tables (name, XML text) of the sample visits: an outpatient and an inpatient."""
    samples = []
    for path in sorted(SAMPLES.glob("made_3176_*.xml")):
        files = etree.fromstring(path.read_bytes()).iter("FILEHOSO")
        samples.append(
            [
                (
                    file.findtext("LOAIHOSO", ""),
                    base64.b64decode(file.findtext("NOIDUNGFILE", "")).decode(),
                )
                for file in files
            ]
        )
    return samples


def new_file(visits: int) -> bytes:
    """Return a file of that many new visits; each person is new, and comes back once."""
    samples = sample_tables()
    people = [next(_people) for _ in range((visits + 1) // 2)]
    parts = []
    for index in range(visits):
        visit, person = next(_visits), people[index % len(people)]
        tables = samples[index % len(samples)]
        written = "".join(_table(*table, visit, person) for table in tables)
        parts.append(f"<HOSO>{written}</HOSO>")
    return ENVELOPE.format(count=visits, visits="".join(parts)).encode()


def _table(name: str, xml: str, visit: int, person: int) -> str:
    for old, new in (
        ("TEST.26.000001", f"BENCH.{visit:08}"),
        ("TEST.26.000002", f"BENCH.{visit:08}"),
        ("TEST-0001", f"BN-{person:08}"),
        ("001190000000", f"001190{person:06}"),
        ("GD4019900000000", f"GD401{person:010}"),
        ("9900000000", f"{person:010}"),
    ):
        xml = xml.replace(old, new)
    content = base64.b64encode(xml.encode()).decode()
    return f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def parse_alone(file: bytes) -> float:
    """Visits a second of lxml and Base64 alone on this file."""
    start = time.perf_counter()
    visits = 0
    for _, visit in etree.iterparse(io.BytesIO(file), tag="HOSO"):
        for content in visit.iter("NOIDUNGFILE"):
            etree.fromstring(base64.b64decode(content.text or ""))
        visit.clear()
        visits += 1
    return visits / (time.perf_counter() - start)


@contextmanager
def taking(installation: Installation) -> Generator[Connection]:
    """A process of the installation that takes in each file it is sent and says its counts."""
    ours, theirs = multiprocessing.Pipe()
    settings = Settings.from_env({**installation.environment, "INTAKE_THREADS": "1"})
    process = multiprocessing.get_context("spawn").Process(
        target=_take_each, args=(theirs, settings), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(30)


def _take_each(files: Connection, settings: Settings) -> None:
    worker.configure(settings)
    while True:
        try:
            file = files.recv_bytes()
        except EOFError:
            return
        files.send(take_in(io.BytesIO(file), FACILITY).counts)


def take_whole(processes: Sequence[Connection], files: Sequence[bytes], outcome: str) -> float:
    """Visits a second of the pipeline on these files; every visit must come to `outcome`."""
    start = time.perf_counter()
    for process, file in zip(processes, files, strict=True):
        process.send_bytes(file)
    counts = [process.recv() for process in processes]
    seconds = time.perf_counter() - start
    if any(set(count) != {outcome} for count in counts):
        raise RuntimeError(f"expected {outcome} alone, got {counts}")
    return float(sum(count[outcome] for count in counts)) / seconds


def peak_memory_mib(installation: Installation, folder: Path, visits: int) -> tuple[float, float]:
    """Ingest a large file by the command line; its process's peak memory, and the file's size."""
    path = folder / "large.xml.gz"
    file = new_file(visits)
    path.write_bytes(gzip.compress(file, 1))  # plain it is over what may be sent
    command = [sys.executable, "-m", "phr_api", "ingest", str(path), "--facility", FACILITY]
    # a child's peak begins with that of the process that starts it: let a small one start it
    starter = [sys.executable, "-c", STARTER, *command]
    peak = subprocess.run(
        starter, env=installation.environment, check=True, capture_output=True, text=True
    ).stdout
    return int(peak) / 1024, len(file) / 2**20


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure the pipeline against parsing alone, the second time against the first, memory."""
    report = Report("Intake")
    installation = install(cluster, "intake", data_dir)
    worker.configure(installation.settings)
    _add_facility()
    files: list[bytes] = []

    def new_files(visits: int) -> list[bytes]:
        files[:] = [new_file(visits) for _ in range(PROCESSES)]
        return files

    with ExitStack() as stack:
        processes = [stack.enter_context(taking(installation)) for _ in range(PROCESSES)]
        take_whole(processes, new_files(scale.visits), "accepted")
        with psycopg.connect(installation.superuser_dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
        report.say(f"  tables analyzed after the first {PROCESSES * scale.visits} visits")
        rates = interleaved(
            scale.rounds,
            {
                "first time": lambda: take_whole(processes, new_files(scale.visits), "accepted"),
                "second time": lambda: take_whole(processes, files, "unchanged"),
                "parse alone": lambda: parse_alone(files[-1]),
            },
        )
    for name, values in rates.items():
        report.say(f"  {name}: {statistics.median(values):,.0f} visits a second")
    ratio = median_ratio(rates["first time"], rates["parse alone"])
    report.bench("intake_of_parse_alone", ratio, 0.10)
    again = median_ratio(rates["second time"], rates["first time"])
    report.bench("intake_unchanged_of_first", again, 3)
    memory, size = peak_memory_mib(installation, data_dir, scale.large_file_visits)
    report.say(
        f"  {scale.large_file_visits:,} visits in {size:.0f} MiB: peak memory {memory:.0f} MiB"
    )
    report.bench("intake_memory_of_300_mib", memory / MOST_MEMORY_MIB, 1, at_most=True)
    return report


def _add_facility() -> None:
    with db.unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO facility (code, name, kind, search_key)"
                " VALUES ('99001', 'Bệnh viện Thử', 'hospital', 'benh vien thu')"
            )
        )
