"""A Docker engine for the tests, in folders of its own, with stand-ins for images."""

import os
import shutil
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from object_store import program as weed

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "compose"
HERE = Path(__file__).parent
PROGRAMS = ("dockerd", "containerd", "runc", "iptables", "docker", "mmdebstrap")
PACKAGES = (
    "python3,python3-venv,ca-certificates,curl,wget,redis-server,postgresql,procps,tini,tzdata"
)
DEBIAN = "newsarchive-test/debian"
IMAGES = {
    "NEWSARCHIVE_BASE_IMAGE": "newsarchive-test/airflow",
    "NEWSARCHIVE_POSTGRES_IMAGE": "newsarchive-test/postgres",
    "NEWSARCHIVE_REDIS_IMAGE": DEBIAN,
    "NEWSARCHIVE_S3_IMAGE": "newsarchive-test/s3",
}


class Engine:
    """The engine; a context manager. Skips the test where it cannot be started."""

    def __enter__(self) -> Self:
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing or os.geteuid() != 0:
            pytest.skip(
                "no Docker engine can be started here: "
                + (f"{', '.join(missing)} missing" if missing else "not root")
                + "; as root: apt-get install docker.io containerd runc iptables mmdebstrap"
            )
        # Short: the paths of sockets in it may have 107 bytes.
        self._run = Path(tempfile.mkdtemp(prefix="engine"))
        self.environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{self._run}/sock",
            "DOCKER_CONFIG": str(CACHE / "config"),
        }
        (CACHE / "config").mkdir(parents=True, exist_ok=True)
        with (self._run / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={CACHE / 'docker'}",
                    f"--exec-root={self._run / 'exec'}",
                    f"--pidfile={self._run / 'pid'}",
                    f"--host=unix://{self._run}/sock",
                ],
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 60
        while subprocess.run(
            ["docker", "info"], env=self.environment, capture_output=True
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                said = (self._run / "log").read_text(errors="replace").strip().splitlines()
                self.__exit__(None, None, None)
                pytest.skip(f"no Docker engine can be started here: {said[-1:]}")
            time.sleep(0.5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(60)
        shutil.rmtree(self._run, ignore_errors=True)

    def docker(self, *words: str) -> str:
        """Return what a command of Docker prints."""
        done = subprocess.run(
            ["docker", *words], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def make_images(self, folder: Path) -> None:
        """Make the stand-ins, of Debian's packages and the lock; what did not change is kept."""
        subprocess.run([HERE / "get_plugins.sh", CACHE / "config/cli-plugins"], check=True)
        if not self.docker("images", "--quiet", DEBIAN).strip():
            root = folder / "debian.tar"
            subprocess.run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--variant=minbase",
                    f"--include={PACKAGES}",
                    "bookworm",
                    root,
                ],
                check=True,
            )
            self.docker("import", "--change", 'CMD ["bash"]', str(root), DEBIAN)
            root.unlink()
        context = folder / "context"
        shutil.copytree(HERE, context)
        shutil.copy(ROOT / "requirements-cluster.lock", context)
        shutil.copy(weed(), context / "weed")
        certificates = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
        shutil.copy(certificates, context / "certificates.crt")
        for name in ("postgres", "s3", "airflow"):
            file = str(context / f"{name}.Dockerfile")
            words = ("--build-arg", f"DEBIAN={DEBIAN}", "--tag", f"newsarchive-test/{name}")
            self.docker("build", "--quiet", "--file", file, *words, str(context))
