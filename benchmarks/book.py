"""The health book: how fast it is read, against limits and peers in the same rounds."""

import json
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg

from benchmarks.installation import Installation, install, serving
from benchmarks.people import Measured, fill, token_of
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.scale import Scale
from benchmarks.wrk import Load, load
from phr_api import identity
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer

MEASURED = 50


@dataclass(frozen=True, slots=True)
class Reader:
    """A measured person with a token of their session."""

    person: Measured
    token: str


def prepare(installation: Installation, *, others: int) -> list[Reader]:
    """Fill the database and sign everybody measured in; their sessions exist already."""
    people = [Measured(uuid4(), uuid4(), uuid4()) for _ in range(MEASURED)]
    with psycopg.connect(installation.superuser_dsn) as connection:
        fill(connection, measured=people, others=others)
    db.configure(installation.settings.database.web_url)
    identity.configure(installation.settings)
    return [Reader(person, token_of(person)) for person in people]


def book_url(address: str, reader: Reader) -> str:
    """Return the address of the reader's own book."""
    return f"{address}/v1/profiles/{reader.person.profile_id}/health-book"


def rotation(folder: Path, name: str, readers: list[Reader], tags: list[str] | None) -> Path:
    """Write a wrk script that asks for one reader's book after the other's."""
    lines = ["local requests = {}"]
    for index, reader in enumerate(readers):
        headers = {"Authorization": f"Bearer {reader.token}", "Accept-Encoding": "gzip"}
        if tags is not None:
            headers["If-None-Match"] = tags[index]
        pairs = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items())
        path = f"/v1/profiles/{reader.person.profile_id}/health-book"
        lines.append(f'requests[{index + 1}] = wrk.format("GET", "{path}", {{{pairs}}})')
    lines += [
        "local i = 0",
        "function request() i = i % #requests + 1; return requests[i] end",
    ]
    script = folder / f"{name}.lua"
    # wrk.format needs the host, which is known in init()
    body = "\n".join(lines[1:-2])
    script.write_text(
        f"local requests = {{}}\nfunction init(args)\n{body}\nend\n" + "\n".join(lines[-2:]) + "\n"
    )
    return script


def read_once(address: str, reader: Reader) -> tuple[str, int]:
    """Read a book plain; its ETag and its size. The next read finds it stored."""
    headers = {"Authorization": f"Bearer {reader.token}", "Accept-Encoding": "identity"}
    with urlopen(Request(book_url(address, reader), headers=headers)) as answer:  # noqa: S310
        return answer.headers["ETag"], len(answer.read())


def pgbench(cluster: EmbeddedServer, database: str, readers: list[Reader], seconds: int) -> float:
    """Transactions a second of pgbench fetching the same stored bodies by their key, as rows."""
    ids = ",".join(f"'{reader.person.profile_id}'" for reader in readers[:1])
    script = f"SELECT body FROM record_snapshot WHERE profile_id = {ids};\n"  # noqa: S608
    command = [
        str(cluster.bin_dir / "pgbench"),
        *("-n", "-c", "16", "-j", "1", "-T", str(seconds), "-M", "prepared", "-f", "/dev/stdin"),
        *("-h", str(cluster.socket_dir), "-U", "postgres", database),
    ]
    output = subprocess.run(
        command,
        input=script,
        env=dict(cluster.environment),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = (line for line in output.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure the read, its peers, and whether the number of people matters."""
    report = Report("The health book")
    small = install(cluster, "few", data_dir)
    large = install(cluster, "many", data_dir)
    few, many = (
        prepare(small, others=scale.few - MEASURED),
        prepare(large, others=scale.many - MEASURED),
    )
    with serving(small) as small_address, serving(large) as large_address:
        tags = [read_once(small_address, reader) for reader in few]
        for reader in many:
            read_once(large_address, reader)
        sizes = [size for _, size in tags]
        report.say(f"book: {statistics.mean(sizes):,.0f} bytes of JSON, 16 connections, gzip")
        scripts = {
            "few": rotation(data_dir, "few", few, None),
            "known": rotation(data_dir, "known", few, [tag for tag, _ in tags]),
            "many": rotation(data_dir, "many", many, None),
        }
        measure(report, cluster, small_address, few, scripts, scale)
        compare_sizes(report, small_address, large_address, scripts, scale)
    return report


def measure(
    report: Report,
    cluster: EmbeddedServer,
    address: str,
    readers: list[Reader],
    scripts: dict[str, Path],
    scale: Scale,
) -> None:
    """Throughput of the book and of 304 against an empty view, the ORM, bare WSGI and pgbench."""
    books: list[Load] = []

    def read_book() -> float:
        books.append(load(address, seconds=scale.seconds, script=scripts["few"]))
        return books[-1].rate

    orm = {"Authorization": f"Bearer {readers[0].token}"}
    rates = interleaved(
        scale.rounds,
        {
            "empty": lambda: load(f"{address}/peer/empty/", seconds=scale.seconds).rate,
            "book": read_book,
            "304": lambda: load(address, seconds=scale.seconds, script=scripts["known"]).rate,
            "orm": lambda: (
                load(
                    f"{address}/peer/orm/{readers[0].person.profile_id}",
                    seconds=scale.seconds,
                    headers=orm,
                ).rate
            ),
            "bare": lambda: load(f"{address}/peer/bare", seconds=scale.seconds).rate,
            "pgbench": lambda: pgbench(cluster, "few", readers, scale.seconds),
        },
    )
    for name, values in rates.items():
        report.say(f"  {name}: {statistics.median(values):,.0f} a second")
    report.bench("book_of_empty_view", median_ratio(rates["book"], rates["empty"]), 0.18)
    report.bench("304_of_empty_view", median_ratio(rates["304"], rates["empty"]), 0.20)
    report.bench("book_of_orm", median_ratio(rates["book"], rates["orm"]), 8)
    tail = statistics.median(book.p99 / book.p50 for book in books)
    report.bench("book_p99_of_p50", tail, 6, at_most=True)
    report.say(f"  book of bare WSGI: {median_ratio(rates['book'], rates['bare']):.3f}")
    report.say(f"  book of pgbench: {median_ratio(rates['book'], rates['pgbench']):.3f}")


def compare_sizes(
    report: Report, small: str, large: str, scripts: dict[str, Path], scale: Scale
) -> None:
    """The same read among 1,000 and among 200,000 people."""
    p50 = interleaved(
        scale.rounds,
        {
            "few": lambda: load(small, seconds=scale.seconds, script=scripts["few"]).p50,
            "many": lambda: load(large, seconds=scale.seconds, script=scripts["many"]).p50,
        },
    )
    for name, people in (("few", scale.few), ("many", scale.many)):
        milliseconds = 1000 * statistics.median(p50[name])
        report.say(f"  p50 among {people:,} people: {milliseconds:.2f} ms")
    report.bench("p50_many_of_few", median_ratio(p50["many"], p50["few"]), 1.2, at_most=True)
