"""Debian packages unpacked into a cache folder: nothing is installed, no root is needed, no system file changes.

apt takes everything from the machine's own settings: its mirrors, its keys, its proxies. What it writes goes into the
cache.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

_DEBIAN = re.compile(r"^(?P<uri>\S+/debian/?) (?P<key>\S*)$", re.MULTILINE)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class PackagesUnavailable(Exception):
    """The packages can't be fetched here; the text has apt's own words."""


def unpacked(name: str, fill: Callable[[Path, Path], None]) -> Path:
    """The folder `name` of the tests' cache, filled by the first of concurrent callers.

    Args:
        name: of the folder.
        fill: called with a folder to work in and the folder to unpack into.

    Raises:
        PackagesUnavailable: apt or dpkg failed, or isn't there.
    """
    cache = platformdirs.user_cache_path("rotator-tests") / name
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            root = cache / "root"
            if not root.is_dir():
                work = cache / "work"
                shutil.rmtree(work, ignore_errors=True)
                (work / "unpacked").mkdir(parents=True)
                fill(work, work / "unpacked")
                (work / "unpacked").rename(root)
                shutil.rmtree(work)
            return root
    except subprocess.CalledProcessError as failure:
        raise PackagesUnavailable(failure.stderr) from failure
    except OSError as failure:
        raise PackagesUnavailable(str(failure)) from failure


class Apt:
    """apt with lists, downloads and state of its own.

    Args:
        work: the folder for them.
        suite: a Debian suite, such as `sid`, to take instead of the machine's own.
    """

    def __init__(self, work: Path, *, suite: str | None = None) -> None:
        self._work = work
        self._archives = work / "archives"
        for folder in ("lists/partial", "archives/partial"):
            (work / folder).mkdir(parents=True)
        (work / "nothing-installed").touch()
        self._options = [
            f"Dir::State::Lists={work / 'lists'}",
            f"Dir::Cache={work}",
            f"Dir::Cache::archives={self._archives}",
            "Debug::NoLocking=1",
            # apt's own account may not enter a cache in somebody's home.
            "APT::Sandbox::User=root",
        ]
        self.run("apt-get", "update")
        if suite is not None:
            self._options += self._only(suite)
            self.run("apt-get", "update")

    def run(self, program: str, *arguments: str) -> str:
        """What one of apt's programs prints; what it downloads goes to the archives."""
        options = [part for option in self._options for part in ("-o", option)]
        return run([program, *options, *arguments], self._archives)

    def download(self, *packages: str) -> None:
        """Fetch these packages alone."""
        self.run("apt-get", "download", *packages)

    def download_closure(self, *packages: str) -> None:
        """Fetch these packages with all that they depend on, libc included, whatever is installed here."""
        nothing_installed = f"Dir::State::status={self._work / 'nothing-installed'}"
        self.run(
            "apt-get",
            *("-o", nothing_installed, "-o", "APT::Install-Recommends=false"),
            *("install", "--yes", "--download-only", *packages),
        )

    def unpack(self, root: Path) -> None:
        """Unpack all that was fetched."""
        for archive in self._archives.glob("*.deb"):
            run(["dpkg-deb", "--extract", str(archive), str(root)], self._work)

    def _only(self, suite: str) -> list[str]:
        sources = self._work / "suite.sources"
        uri, key = self._debian_mirror()
        sources.write_text(
            f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By: {key}\n"
        )
        return [f"Dir::Etc::sourcelist={sources}", "Dir::Etc::sourceparts=/dev/null"]

    def _debian_mirror(self) -> tuple[str, str]:
        """The address of the machine's own Debian mirror and the key that its packages are signed with."""
        targets = self.run("apt-get", "indextargets", "--format", "$(REPO_URI) $(SIGNED_BY)")
        mirror = _DEBIAN.search(targets)
        if mirror is None:
            raise PackagesUnavailable("this machine's apt settings name no Debian mirror")
        key = mirror["key"]
        return mirror["uri"], key if key.startswith("/") else _KEYRING


def run(command: Sequence[str], directory: Path) -> str:
    """What the command prints; CalledProcessError where it fails."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        cwd=directory,
        env=environment,
    ).stdout
