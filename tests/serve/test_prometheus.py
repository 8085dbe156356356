"""A real Prometheus server asks a served capability; what dashboards and alerts ask of it then has an answer."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import json
import math
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from front import wait_until
from served import LIMIT, ROOT, Served, get, served

from naftiko.testing import Fail, Stall, StandInUpstream

OPERATE = ROOT / "examples" / "operate"
ALERTS, CONFIG, DASHBOARD = (OPERATE / name for name in ("alerts.yml", "prometheus.yml", "grafana-dashboard.json"))
prometheus_is_there = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="there is no prometheus and promtool here: apt-get install prometheus",
)
pytestmark = prometheus_is_there

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour, description: Berths., tags: [sea]}}
consumes:
- type: http
  namespace: ships
  baseUri: {fine}
  resiliency: {{cache: {{ttl: 1h}}, bulkhead: 40}}
  resources: [{{path: "/ships/{{imo}}", operations: [{{name: get, method: GET, inputParameters: [{{name: imo, in: path}}]}}]}}]
- type: http
  namespace: broken
  baseUri: {broken}
  resiliency:
    retry: {{maxAttempts: 2, waitDuration: 1ms, statuses: [503], budget: {{percent: 1, minimum: 1}}}}
    circuitBreaker: {{slidingWindowSize: 50, waitDurationInOpenState: 10m}}
  resources: [{{path: /x, operations: [{{name: get, method: GET}}, {{name: other, method: GET}}]}}]
- {{type: http, namespace: slow, baseUri: "{slow}", resources: [{{path: /x, operations: [{{name: get, method: GET}}]}}]}}
- {{type: http, namespace: gone, baseUri: "{gone}", resources: [{{path: /x, operations: [{{name: get, method: GET}}]}}]}}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {{path: "/ships/{{imo}}", operations: [{{name: ship, method: GET, call: ships.get, inputParameters: [{{name: imo, in: path}}]}}]}}
  - {{path: /broken, operations: [{{name: broken, method: GET, call: broken.get}}]}}
  - {{path: /slow, operations: [{{name: slow, method: GET, call: slow.get}}]}}
  - {{path: /gone, operations: [{{name: gone, method: GET, call: gone.get}}]}}
  - path: /steps
    operations:
    - name: steps
      method: GET
      steps:
      - {{name: one, type: call, call: slow.get}}
      - {{name: two, type: lookup, index: one, match: id, lookupValue: "1", outputParameters: [id]}}
- type: mcp
  namespace: tools
  port: 9090
  tools:
  - {{name: ship, description: A ship., call: ships.get, inputParameters: [{{name: imo, type: string, description: Its number.}}]}}
  - {{name: broken, description: Fails., call: broken.other}}
"""
OPTIONS = ("--port", "rest=0", "--port", "mcp=0", "--probe-port", "127.0.0.1:0")

# What the reference engine's Grafana dashboard and alert rules ask, each kind of question once: NAME is the prefix.
FIVE = "[5m]"
OF_OTHERS = [
    "NAME_capability_active",
    *(f"sum(rate(NAME_{each}{FIVE}))" for each in ("request_total", "request_errors")),
    *(f"sum(rate(NAME_{each}{FIVE})) by (NAME_adapter_type)" for each in ("request_total", "request_errors")),
    f"sum(rate(NAME_request_errors{FIVE})) / clamp_min(sum(rate(NAME_request_total{FIVE})), 1)",
    *(
        f"histogram_quantile({part}, sum(rate(NAME_request_duration_seconds_bucket{FIVE})) by (le))"
        for part in ("0.50", "0.95", "0.99")
    ),
    *(
        f"histogram_quantile(0.95, sum(rate(NAME_{name}_bucket{FIVE})) by (le, {label}))"
        for name, label in (
            ("request_duration_seconds", "NAME_operation_id"),
            ("step_duration_seconds", "step_type"),
            ("step_duration_seconds", "NAME_namespace"),
            ("http_client_duration_seconds", "server_address"),
        )
    ),
    *(f"sum(rate(NAME_http_client_total{FIVE})) by ({by})" for by in ("server_address", "http_response_status_code")),
    f'sum(rate(NAME_http_client_total{{http_response_status_code=~"5.."}}{FIVE})) by (server_address) / clamp_min(sum(rate(NAME_http_client_total{FIVE})) by (server_address), 1)',
]
LABELS_OF_OTHERS = {
    "NAME_request_total": {"NAME_adapter_type", "NAME_operation_id", "status"},
    "NAME_request_errors": {"NAME_adapter_type", "NAME_operation_id", "error_type"},
    "NAME_request_duration_seconds_bucket": {"NAME_adapter_type", "NAME_operation_id", "status", "le"},
    "NAME_step_duration_seconds_bucket": {"step_type", "NAME_namespace", "le"},
    "NAME_http_client_total": {"http_request_method", "server_address", "http_response_status_code", "error_type"},
    "NAME_capability_active": {"NAME_capability"},
}


def test_the_rules_are_those_that_promtool_takes():
    assert_promtool("check", "config", str(CONFIG))
    assert_promtool("check", "rules", str(ALERTS))
    assert_promtool("test", "rules", "alerts.test.yml")


def test_each_alert_is_tried():
    """Whatever is added to the rules stands in their tests, too."""
    names = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    tried = set(re.findall(r"Naftiko\w+", (OPERATE / "alerts.test.yml").read_text()))
    assert names <= tried


def test_metrics_are_as_prometheus_wants_them(asked):
    """The lint of promtool; its word on counters without ``_total`` is about the names that the reference has."""
    text = get(f"{asked.probe}/metrics").text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.split()[:1] != ["ikanos_request_errors"]]
    assert said == [], done


@pytest.mark.parametrize("name", ["ours", "others"])
def test_what_dashboards_and_alerts_ask_has_an_answer(asked, name):
    expressions = (
        [*of_dashboard(), *of_alerts()] if name == "ours" else [each.replace("NAME", "ikanos") for each in OF_OTHERS]
    )
    assert len(expressions) > 15
    missing = list(expressions)

    def answered() -> bool:
        asked.call()
        missing[:] = [each for each in missing if not asked.has(each)]
        return not missing

    wait_until(answered, lambda: "no answer to\n" + "\n".join(missing))


def test_labels_are_those_that_dashboards_group_by(asked):
    def series_of(name: str) -> Any:
        asked.call()
        return asked.query(name.replace("NAME", "ikanos"))

    for name, labels in LABELS_OF_OTHERS.items():
        series = wait_until(functools.partial(series_of, name))
        found = {label for each in series for label in each["metric"]} - {"__name__", "job", "instance"}
        assert found == {label.replace("NAME", "ikanos") for label in labels}, name


def test_an_alert_fires(asked):
    """Prometheus itself has read the rules, and says which alerts wait or fire for what this server does."""
    wanted = {"NaftikoUpstreamErrors", "NaftikoErrors", "NaftikoManyErrors"}

    def waiting() -> bool:
        asked.call()
        told = asked.answer("/api/v1/alerts")["alerts"]
        return wanted <= {each["labels"]["alertname"] for each in told}

    wait_until(waiting, lambda: str(asked.answer("/api/v1/alerts")))
    rules = [rule for group in asked.answer("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}


def test_the_other_names_do_as_well(tmp_path, harbour):
    """With ``--metrics-names naftiko``, whose dashboards have that prefix."""
    with asking(harbour, tmp_path, "1", "--metrics-names", "naftiko") as asked:
        missing = [each.replace("NAME", "naftiko") for each in OF_OTHERS]

        def answered() -> bool:
            asked.call()
            missing[:] = [each for each in missing if not asked.has(each)]
            return not missing

        wait_until(answered, lambda: "no answer to\n" + "\n".join(missing))


# --- what is asked ------------------------------------------------------------------------------------------------


def of_dashboard() -> list[str]:
    """The expressions of our dashboard, as Grafana fills them in where nothing is chosen."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    chosen = {"$job": ".*", "$instance": ".*", "$__rate_interval": "5m"}
    for name, value in chosen.items():
        found = [each.replace(name, value) for each in found]
    assert not any("$" in each for each in found)
    return found


def of_alerts() -> list[str]:
    """The expressions of our alerts without their thresholds: what they look at must be there while all is well."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    bare = [re.sub(r"\s(?:==|!=|<=?|>=?)\s+[\d.]+", "", rule["expr"]) for rule in rules]
    assert all(each != rule["expr"] for each, rule in zip(bare, rules, strict=True))
    return bare


# --- who asks, and who is asked -----------------------------------------------------------------------------------


def assert_promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=OPERATE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Asked:
    """A served capability, and a Prometheus server that asks it."""

    def __init__(self, running: Served, url: str) -> None:
        self.running = running
        self.probe = running.url("probe").rstrip("/")
        self._url = url
        self._count = 0

    def answer(self, path: str, **parameters: str) -> Any:
        answer = get(f"{self._url}{path}", params=parameters).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression has now."""
        found: list[dict[str, Any]] = self.answer("/api/v1/query", query=expression)["result"]
        return found

    def has(self, expression: str) -> bool:
        """Tell whether an expression has a series with a number."""
        return any(math.isfinite(float(each["value"][1])) for each in self.query(expression))

    def call(self) -> None:
        """Have something of everything: calls that succeed, fail, wait, are stored and tried again."""
        self._count += 1
        base = self.running.rest.rstrip("/")
        paths = ["/ships/1", f"/ships/n{self._count}", "/steps", *["/slow"] * 8, *["/broken", "/gone"] * 4]
        with concurrent.futures.ThreadPoolExecutor(len(paths)) as callers:
            for called in [callers.submit(get, f"{base}{path}") for path in paths]:
                assert called.result().status_code in {200, 502, 503}
        for name, arguments in (("ship", {"imo": "1"}), ("broken", {})):
            params = {"name": name, "arguments": arguments}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            assert "result" in httpx.post(self.running.mcp, json=message, trust_env=False, timeout=LIMIT).json()


class Harbour:
    """A capability with APIs that are fine, broken, slow and not there."""

    def __init__(self, folder: Path) -> None:
        self.fine, self.broken, self.slow = StandInUpstream(), StandInUpstream(), StandInUpstream()
        self.fine.on("GET", "/ships/{imo}", {"id": 1})
        self.slow.on("GET", "/x", [{"id": "1"}])
        self.path = folder / "harbour.yaml"

    @contextlib.contextmanager
    def there(self) -> Iterator[Harbour]:
        with self.fine, self.broken, self.slow, socket.socket() as unheard:
            self.broken.misbehave(Fail(503))
            self.slow.misbehave(Stall(0.05))
            unheard.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
            gone = f"http://127.0.0.1:{unheard.getsockname()[1]}"
            self.path.write_text(FILE.format(fine=self.fine.url, broken=self.broken.url, slow=self.slow.url, gone=gone))
            yield self


@pytest.fixture(scope="module")
def harbour(tmp_path_factory) -> Iterator[Harbour]:
    with Harbour(tmp_path_factory.mktemp("harbour")).there() as found:
        yield found


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two workers"])
def asked(request, tmp_path_factory, harbour) -> Iterator[Asked]:
    with asking(harbour, tmp_path_factory.mktemp("prometheus"), request.param) as found:
        yield found


@contextlib.contextmanager
def asking(harbour: Harbour, folder: Path, workers: str, *more: str) -> Iterator[Asked]:
    """Serve the capability, and start Prometheus with our configuration; only where and how often it asks differs."""
    few = ("--upstream-max-concurrent-calls", "slow=1")
    with served(
        harbour.path, *OPTIONS, *few, *more, "--workers", workers, ready=("rest ", "mcp ", "probe ")
    ) as running:
        config = yaml.safe_load(CONFIG.read_text())
        config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s")
        config["rule_files"] = [str(ALERTS)]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [httpx.URL(running.url("probe")).netloc.decode()]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        with _prometheus(folder) as url:
            asked = Asked(running, url)
            wait_until(lambda: asked.query("up == 1"), lambda: str(asked.answer("/api/v1/targets")))
            yield asked


@contextlib.contextmanager
def _prometheus(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        command = ["prometheus", *options, f"--web.listen-address=127.0.0.1:{port}"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:

        def is_ready() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(httpx.TransportError):
                return get(f"{url}/-/ready").status_code == 200
            return False

        wait_until(is_ready, (folder / "log").read_text)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
