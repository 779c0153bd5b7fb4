"""What the product's own numbers are: `make bench`. Written down in docs/performance.md.

    python tests/bench/measure.py [--taps=200]

- from a tap in one Chromium page to the change in another page's DOM, two processes, embedded store (synced)
- bytes on the wire of the first load of the diner's page of 120 dishes, as the browser counts them
- milliseconds that the server takes for the page, and for a command; both beside /healthz on the same connection
- milliseconds of these that it took to make the page (its own metric), at an empty table and at a busy one
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE.parent / "browser"), str(HERE)]

from actors import Guest, new_op, tables, tell  # noqa: E402
from evening import busy_table  # noqa: E402
from long_menu import long_menu  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from phones import first_load, room  # noqa: E402
from playwright.async_api import Page  # noqa: E402
from ratios import note  # noqa: E402
from tornado.httpclient import AsyncHTTPClient, HTTPRequest  # noqa: E402

WATCH = """() => {
  window.seen = [];
  const step = document.querySelector("#item-dongpo-pork");
  new MutationObserver(() => {
    const now = document.querySelector("#item-dongpo-pork .step b")?.textContent;
    if (now !== window.last) window.seen.push([(window.last = now), performance.timeOrigin + performance.now()]);
  }).observe(document.querySelector("main"), { childList: true, subtree: true });
}"""
TAP = """() => {
  const at = performance.timeOrigin + performance.now();
  document.querySelector("#item-dongpo-pork .more").click();
  return at;
}"""


def shown(name: str, values: list[float]) -> float:
    """Prints median and 99th percentile, in ms; returns the median."""
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    print(f"{name:58} median {statistics.median(ordered):7.2f} ms   99 % {last:7.2f} ms   n {len(ordered)}")
    return statistics.median(ordered)


async def taps(lin: Page, jo: Page, number: int) -> list[float]:
    """Times from the tap on one page to the change on the other."""
    await jo.evaluate(WATCH)
    took = []
    for count in range(1, number + 1):
        at = await lin.evaluate(TAP)
        await jo.wait_for_function("n => window.seen.length >= n", arg=count)
        took.append((await jo.evaluate("() => window.seen.at(-1)[1]")) - at)
        if count % 90 == 0:  # the line is full: send it, and begin another
            await lin.evaluate("document.querySelector('[formaction*=\"do=place\"]').click()")
            await jo.wait_for_function("() => window.seen.at(-1)[0] === undefined")
            await jo.evaluate("n => window.seen.length = n", count)
        await asyncio.sleep(0.02)
    return took


async def rendering(guest: Guest) -> tuple[float, float]:
    """Seconds that the process has spent on table pages, and how many there were."""
    told = (await guest.ask("GET", "/metrics")).body.decode()
    took, pages = (
        float(next(line.split()[1] for line in told.splitlines() if line.startswith(f"ordering_page_seconds_{each} ")))
        for each in ("sum", "count")
    )
    return took, pages


async def over_http(guest: Guest, empty: str, number: int) -> None:
    """Page, JSON view and commands, one after the other on a kept connection."""
    client = AsyncHTTPClient(force_instance=True)
    line = (await guest.do("add", item="dongpo-pork", qty=50, note="a line of its own"))["line"]
    headers = {"Cookie": guest.cookie_header(), "X-XSRFToken": guest.cookies["_xsrf"]}

    async def ask(path: str, body: str | None = None, packed: bool = True, **more: str) -> float:
        request = HTTPRequest(
            f"http://127.0.0.1:{guest.port}{path}",
            "POST" if body else "GET",
            {**headers, **more},
            body,
            decompress_response=packed,
        )
        began = time.perf_counter()
        await client.fetch(request)
        return (time.perf_counter() - began) * 1000

    healthz = shown("GET /healthz (the baseline)", [await ask("/healthz") for _ in range(number)])
    for table, code in (("an empty table", empty), ("a busy table", guest.code)):
        for packed in (True, False):
            before = await rendering(guest)
            times = [await ask(f"/t/{code}", packed=packed) for _ in range(number)]
            middle = shown(f"GET the page of {table}, 120 dishes{', gzip' if packed else ''}", times)
            if packed:
                note(f"measure: the page of {table} by /healthz", middle / healthz)
            took, pages = (now - then for now, then in zip(await rendering(guest), before, strict=True))
            print(f"{'  of which the server took, reading the store included':58} mean   {took / pages * 1000:7.2f} ms")
    commands = [json.dumps({"op": new_op(), "do": "change", "line": line, "by": (-1) ** n}) for n in range(number)]
    as_json = {"Content-Type": "application/json"}
    took = [await ask(f"/t/{guest.code}/do", command, **as_json) for command in commands]
    note("measure: a command by /healthz", shown("POST a command, synced to disk", took) / healthz)


async def story(server: Server, number: int) -> None:
    """Everything, on one running server."""
    async with room(server) as here:
        lin, jo = await here.phone(0, port=0), await here.phone(0, port=1)
        shown("tap on one page to the change on the other's, two processes", await taps(lin, jo, number))
        fresh = await (await here.context()).new_page()
        sizes = await first_load(fresh, await here.link(1))
        print("first load:", ", ".join(f"{name[-12:]} {size / 1000:.1f} KB" for name, size in sizes.items()))
        print(f"first load without pictures: {sum(sizes.values()) / 1000:.1f} KB in {len(sizes)} requests")
    codes = [table["code"] for table in await tables(server.port)]
    guest = Guest(server.port, await busy_table(server, 2))
    await guest.scan()
    await over_http(guest, codes[3], number)


def main() -> None:
    """Starts a server of its own and measures it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taps", type=int, default=200)
    number = parser.parse_args().taps
    with short_folder() as folder:
        server = Server(folder, 2, f"--restaurant={long_menu(folder)}").start()
        try:
            tell(story(server, number))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
