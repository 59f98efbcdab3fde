"""The production shape: pinned images, health checks, nothing reachable from outside, no secret in a file."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")


def test_all_of_airflows_services_are_there():
    airflow = {"apiserver", "scheduler", "dag-processor", "worker", "triggerer", "init"}
    assert set(SERVICES) == airflow | {"postgres", "redis", "s3"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"init"}))
def test_every_service_that_stays_up_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"]


def test_images_are_pinned():
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_ports_are_bound_to_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_secret_comes_from_the_environment_and_none_has_a_default():
    text = (ROOT / "docker-compose.yaml").read_text("utf-8")
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert used <= set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    secret = re.compile(r"PASSWORD|SECRET|FERNET|ACCESS_KEY")
    for name, rest in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text):
        assert not secret.search(name) or rest.startswith(":?"), name
    assert [line for line in EXAMPLE.splitlines() if secret.search(line.split("=")[0]) and not line.endswith("=")] == []


def test_the_env_file_is_not_tracked():
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_lock_names_no_host_and_hashes_everything():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    pinned = re.split(r"\n(?=\S)", lock)
    assert [
        block.split()[0] for block in pinned if "==" in block.split("\n")[0] and "--hash=sha256:" not in block
    ] == []


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_itself_accepts_the_file(tmp_path):
    filled = re.sub(r"=$", "=x", EXAMPLE, flags=re.MULTILINE)
    (tmp_path / "env").write_text(filled)
    command = ["docker-compose", "--env-file", str(tmp_path / "env"), "--file", "docker-compose.yaml", "config", "-q"]
    subprocess.run(command, cwd=ROOT, check=True)
