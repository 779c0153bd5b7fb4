"""The worked example of docs/api.md does what it says."""

import re
import subprocess
import sys
from pathlib import Path

from actors import Guest, Staff, tables, tell
from machines import PASSWORD, Server, short_folder, until

API = Path(__file__).parent.parent.parent / "docs" / "api.md"


def test_the_pager_of_the_interface_says_what_is_ready(server: Server) -> None:
    async def evening() -> None:
        guest = Guest(server.port, (await tables(server.port))[0]["code"])
        await guest.scan()
        await guest.do("add", item="dongpo-pork", qty=2)
        await guest.do("place", seen=(await guest.scan())["version"])
        staff = await Staff(server.port).login()
        [ticket] = (await staff.json("/kitchen"))["order"]["tickets"]
        await staff.kitchen("advance", table="t1", ticket=ticket.removeprefix("ticket-"), to="ready")

    [program] = re.findall(r"```python\n(.*?)```", API.read_text(), re.S)
    with short_folder() as folder:
        path, said = folder / "pager.py", folder / "said.txt"
        path.write_text(program)
        with said.open("w") as out:
            pager = subprocess.Popen(
                [sys.executable, "-u", str(path), f"http://127.0.0.1:{server.port}", PASSWORD], stdout=out
            )
        try:
            until(lambda: "'ok': True" in said.read_text(), 10, "the pager has logged in")
            tell(evening())
            until(lambda: "table 1: 2 ready" in said.read_text(), 10, said.read_text())
        finally:
            pager.kill()
            pager.wait()
