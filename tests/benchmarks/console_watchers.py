"""Fifty people before Today, as a process of their own: `python -m tests.benchmarks.console_watchers URL COOKIE`.

Each asks every EVERY_S seconds for WATCH_S seconds, as the page's script does. Prints JSON: seconds of each answer, and
per person the moment (seconds since the epoch) at which the given-up job was first seen.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request

PEOPLE, EVERY_S, WATCH_S = 50, 3.0, 20.0


def main(url: str, cookie: str) -> None:
    took: list[float] = []
    seen: dict[int, float] = {}
    stop = time.time() + WATCH_S

    def watch(number: int) -> None:
        time.sleep(number * EVERY_S / PEOPLE)
        while time.time() < stop:
            begin = time.time()
            request = urllib.request.Request(url, headers={"Cookie": cookie, "X-Live": "1"})
            body = urllib.request.urlopen(request, timeout=30).read()
            took.append(time.time() - begin)
            if b"job given up" in body:
                seen.setdefault(number, time.time())
            time.sleep(max(EVERY_S - (time.time() - begin), 0.0))

    people = [threading.Thread(target=watch, args=(number,)) for number in range(PEOPLE)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    sys.stdout.write(json.dumps({"took": took, "seen": seen}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
