"""The deployment files, as far as they can be checked without a daemon."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from bot.settings import known_names

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def composed() -> dict[str, Any]:
    files = [yaml.safe_load((ROOT / name).read_text()) for name in ("compose.yaml", "deploy/servers.yaml")]
    services: dict[str, Any] = files[0]["services"]
    return services | {name: each for name, each in files[1]["services"].items() if name != "footnote"}


def test_the_image_copies_only_what_its_context_holds() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        source for rest in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for source in rest.split()
    ]
    assert set(copied) == allowed
    assert all((ROOT / each).exists() for each in copied)


def test_the_image_runs_as_nobody_and_the_bot_may_write_nothing_but_its_data() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE.split("\nFROM ")[2], re.MULTILINE)
    bot = composed()["footnote"]
    assert (bot["read_only"], bot["cap_drop"], bot["volumes"]) == (True, ["ALL"], ["data:/data"])


def test_nothing_of_the_composition_is_open_to_the_network_and_all_that_it_mounts_is_here() -> None:
    for name, service in composed().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for mounted in service.get("volumes", []):
            source = mounted.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), mounted
        assert "build" in service or re.search(r":v?\d", service["image"]), name


def test_the_settings_of_the_composition_exist_and_servers_are_those_that_are_tested() -> None:
    known = {name for name, _ in known_names()}
    files = ("compose.yaml", "deploy/servers.yaml", "deploy/footnote.service", "Dockerfile")
    for file in files:
        assert set(re.findall(r"FOOTNOTE_[A-Z_]+", (ROOT / file).read_text())) <= known, file
    assert composed()["chroma"]["image"] == f"chromadb/chroma:{version('chromadb')}"


def test_prometheus_asks_where_the_bot_serves() -> None:
    scrape = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"][0]
    assert scrape["static_configs"][0]["targets"] == [
        f"footnote:{re.findall(r'^EXPOSE (.+)$', DOCKERFILE, re.MULTILINE)[0]}"
    ]
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    dashboard = json.loads((ROOT / "deploy/grafana/footnote.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["datasources"][0]["uid"]}


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_image_is_healthy_as_long_as_healthz_says_so(status: int, code: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    found = re.search(r"HEALTHCHECK .*\n\s+CMD (\[.+\])", DOCKERFILE)
    assert found
    _, *arguments = json.loads(found[1])
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        here = [each.replace("9464", str(server.server_port)) for each in arguments]
        ran = subprocess.run([sys.executable, *here], capture_output=True, check=False)
        server.shutdown()
    assert ran.returncode == code


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = (
        (ROOT / "deploy/footnote.service").read_text().replace("/opt/footnote/bin/footnote", shutil.which("true") or "")
    )
    (tmp_path / "footnote.service").write_text(unit)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "footnote.service")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "footnote.service" not in ran.stderr
