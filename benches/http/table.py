"""The results of benches/http/run as a table: python3 table.py results.jsonl"""

import json
import sys

DURABILITY = {
    "pg_dynamo": "every write fsynced before its answer; signatures verified",
    "dynoxide": "memory (SQLite), lost at exit; signatures not verified",
    "dynalite": "memory, lost at exit; signatures not verified",
    "dynamodb_local": "memory (SQLite), lost at exit; signatures not verified",
    "moto": "memory (Python objects), lost at exit; signatures not verified",
    "empty": "nothing stored; the gateway with signatures verified: a ceiling",
    "pgbench": "every write fsynced; SQL without HTTP: a ceiling",
}
CEILINGS = ("empty", "pgbench")


def figure(value):
    return "" if value is None else f"{value:,.0f}"


def rows(results, operation, connections):
    these = [r for r in results if (r["operation"], r["connections"]) == (operation, connections)]
    # A server without the operation answers errors, and those fast.
    peers = [r for r in these if r["server"] not in ("pg_dynamo", *CEILINGS) and not r.get("errors")]
    fastest = max((r["throughput"] for r in peers), default=None)
    for r in sorted(these, key=lambda r: list(DURABILITY).index(r["server"])):
        cpu = r.get("cpu_us", {})
        yield (
            f"{operation} x {connections}",
            r["server"],
            figure(r["throughput"]),
            f"{r['throughput'] / fastest:.2f}" if fastest else "",
            figure(r.get("median_us", r.get("mean_us"))),
            figure(r.get("p99_us")),
            figure(cpu.get("client")),
            figure(cpu.get("gateway", cpu.get("server"))),
            figure(cpu.get("backends")),
            f"{r['errors']} errors: {r['first_error'][:80]}" if r.get("errors") else "",
        )


def main():
    with open(sys.argv[1]) as file:
        results = [json.loads(line) for line in file]
    head = ("", "server", "req/s", "ratio", "median us", "p99 us", "client", "server", "backends", "")
    print("Ratio: to the fastest peer. client, server, backends: microseconds of CPU per request.")
    layout = "{:<22} {:<15} {:>9} {:>6} {:>10} {:>9} {:>7} {:>7} {:>9} {}"
    print(layout.format(*head).rstrip())
    for case in dict.fromkeys((r["operation"], r["connections"]) for r in results):
        for row in rows(results, *case):
            print(layout.format(*row).rstrip())
    print()
    for name in dict.fromkeys(r["server"] for r in results):
        print(f"{name:<15} {DURABILITY[name]}")


main()
