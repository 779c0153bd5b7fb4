"""The stories' own manners: what one leaves open is laid at the door of a later test."""

import asyncio
import socket

from actors import Browser, tell


def test_a_story_that_ends_amid_a_request_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as shop:

        async def story() -> socket.socket:
            asking = asyncio.create_task(Browser(shop.getsockname()[1]).ask("GET", "/"))
            line, _ = await asyncio.to_thread(shop.accept)
            assert await asyncio.to_thread(line.recv, 1000)
            asking.cancel()
            return line

        with tell(story()) as line:
            line.settimeout(5)
            assert line.recv(1000) == b""
