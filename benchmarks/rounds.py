"""A round of an auction under load: bidders who revise over HTTP while the server is killed again and again.

python benchmarks/rounds.py [BIDDERS [REVISIONS [KILLS [CONNECTIONS]]]]     1000, 5, 10 and 16 unless given

A bidder whose answer was lost sends the same report with the same name again, as the API asks him to. At the end every receipt
must be in the log that is exported, and the log must hold every report once. Latencies are of requests that were answered, from
sending to answer, with the clients on the same cores.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from figures import figure

import veridical as vd
from veridical.rounds import terms
from veridical.rounds.book import Book, new_id, utc_now
from veridical.rounds.exports import export
from veridical.rounds.sealing import ClearingKey
from veridical.rounds.store import Store

RETAILERS = {"types": [4, 5, 6, 7, 8], "probabilities": [0.2] * 5, "revenue": {"form": "linear_demand"}}


class Server:
    """`veridical serve` in a process of its own, started again when it has been killed."""

    def __init__(self, database: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.command = [sys.executable, "-m", "veridical", "serve", "--db", str(database), "--port", str(self.port)]
        self.process = self.started()

    def started(self) -> subprocess.Popen[str]:
        """Start it, and wait until it listens."""
        process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving"), line
        return process

    def killed(self) -> None:
        """End it by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


async def main(bidders: int = 1000, revisions: int = 5, kills: int = 10, connections: int = 16) -> None:
    """Run the round, and print what was measured."""
    folder = tempfile.TemporaryDirectory()
    database = Path(folder.name) / "round.sqlite"
    case = vd.example("two-retailers").changed(retailers=[{"count": bidders, **RETAILERS}], capacity=1.0 * bidders)
    store, id = Store.create(str(database)), new_id()
    tokens = Book(store).create(
        id, terms.freeze(case, parameters={"samples": 100}), utc_now() + timedelta(days=1), ClearingKey.new(), "load"
    )
    store.close()
    server = Server(database)
    receipts: list[Mapping[str, Any]] = []
    seconds: list[float] = []
    again = 0
    waiting: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    for revision in range(revisions):
        for name in tokens:
            waiting.put_nowait((name, revision))

    async def client() -> None:
        nonlocal again
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as http:
            while not waiting.empty():
                name, revision = waiting.get_nowait()
                body = {"report": 1.0 + revision, "request": f"revision-{revision}"}
                while True:
                    begin = time.perf_counter()
                    try:
                        headers = {"Authorization": f"Bearer {tokens[name]}"}
                        answer = await http.post(f"/api/rounds/{id}/reports", json=body, headers=headers)
                    except httpx2.HTTPError:
                        again += 1
                        await asyncio.sleep(0.2)
                        continue
                    assert answer.status_code in (200, 201), answer.text
                    seconds.append(time.perf_counter() - begin)
                    receipts.append(answer.json())
                    break

    async def killer() -> None:
        for number in range(1, kills + 1):
            while len(receipts) < number * bidders * revisions / (kills + 1):
                await asyncio.sleep(0.002)
            server.killed()
            server.process = await asyncio.to_thread(server.started)

    begin = time.perf_counter()
    try:
        await asyncio.gather(killer(), *(client() for _ in range(connections)))
    finally:
        server.killed()
    total = time.perf_counter() - begin
    store = Store.existing(str(database))
    _, record = export(Book(store), id)
    store.close()
    folder.cleanup()
    there = {entry["hash"] for entry in record["log"]}
    lost = sum(receipt["entry"] not in there for receipt in receipts)
    cuts = statistics.quantiles(seconds, n=100)
    about = f"{bidders:,} bidders x {revisions} reports, {connections} connections, {kills} times SIGKILL"
    print(f"{about}, {os.cpu_count()} cores: {total:.1f} s")
    print(f"acknowledged {len(receipts):,}, lost {lost}; log {len(record['log']):,} entries; sent again {again}")
    print(f"a submission: median {1e3 * cuts[49]:.1f} ms, p99 {1e3 * cuts[98]:.1f} ms, longest {1e3 * max(seconds):.0f} ms")
    figure("acknowledged reports that were lost", lost, "reports", at_most=0)
    figure("a submission, 99 of 100, clients on the same cores", cuts[98], "s")
    assert len(record["log"]) == bidders * revisions + 1


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
