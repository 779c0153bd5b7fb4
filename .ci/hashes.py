#!/usr/bin/env python3
"""Copies pins from stdin to stdout, each with the SHA-256 of every file that the package index has of that version.

`.ci/lock` puts this behind `pip freeze`; `.ci/hashes.py <requirements.txt` hashes the same versions anew. Asks the
index that pip would ask first (PIP_INDEX_URL, pip's `index-url`, else PyPI), and no other: a file that only an extra
index has is not let in. Ends with 1 and one line when the index doesn't have a version, or tells no hash.
"""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

PYPI = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"  # PEP 691; an older index answers with HTML, PEP 503
PATIENCE = 60  # seconds, for one page of the index
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)")


def main() -> None:
    index = index_url()
    for line in sys.stdin.read().splitlines():
        pin = PIN.match(line)
        if pin:
            hashes = hashes_of(index, pin["name"], pin["version"])
            print(" \\\n    ".join([line.rstrip(" \\"), *(f"--hash=sha256:{each}" for each in hashes)]))
        elif not line.lstrip().startswith("--hash="):
            print(line)


def index_url() -> str:
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    return (os.environ.get("PIP_INDEX_URL") or asked.stdout.strip() or PYPI).rstrip("/")


def hashes_of(index: str, name: str, version: str) -> list[str]:
    """Of every wheel and source archive of that version, sorted."""
    try:
        of_package = files_of(index, name)
    except urllib.error.URLError as error:
        sys.exit(f"{index} does not tell the files of {name}: {error}")
    files = {file: digest for file, digest in of_package if what_is(file) == (canonical(name), version)}
    if not files or not all(files.values()):
        sys.exit(f"{index} has no files with hashes of {name}=={version}")
    return sorted(set(files.values()))


def files_of(index: str, name: str) -> list[tuple[str, str]]:
    """Every file of a package, of any version, with its hash, or with "" where the index tells none."""
    request = urllib.request.Request(f"{index}/{canonical(name)}/", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=PATIENCE) as page:
        text = page.read().decode()
        if "json" in page.headers.get_content_type():
            return [(file["filename"], file["hashes"].get("sha256", "")) for file in json.loads(text)["files"]]
    links = Links()
    links.feed(text)
    return links.files


class Links(HTMLParser):
    """The files of an index's HTML page: `…/file#sha256=…`."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            address = urllib.parse.urlsplit(dict(attrs).get("href") or "")
            digest = address.fragment.removeprefix("sha256=") if address.fragment.startswith("sha256=") else ""
            self.files.append((urllib.parse.unquote(address.path.rsplit("/", 1)[-1]), digest))


def what_is(file: str) -> tuple[str, str] | None:
    """Name and version of a wheel or a source archive; None for what pip doesn't install."""
    if file.endswith(".whl"):
        name, version = file.split("-")[:2]
    elif file.endswith((".tar.gz", ".zip")) and "-" in file:
        name, version = file.removesuffix(".tar.gz").removesuffix(".zip").rsplit("-", 1)
    else:
        return None
    return canonical(name), version


def canonical(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
