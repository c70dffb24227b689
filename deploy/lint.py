"""Checks the deployment's files: the Helm chart by Helm itself and against Kubernetes' schemas, Grafana's dashboards and the
alerts against the metrics that a running server tells, the runbooks against the alerts.

Usage: lint.py METRICS, a file with the text of a server's /metrics on which something has been done.
"""

import json
import re
import sys
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml

DEPLOY = Path(__file__).parent
KUBERNETES = "1.30"
failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)


def check_chart():
    report = helm_python.lint(DEPLOY / "k8s", strict=True)
    for message in report["messages"]:
        # An icon is for catalogues of charts.
        if message["severity"] >= 2:
            failures.append(f"helm lint: {message['path']}: {message['error']}")
    chart = helm_python.Chart.load(DEPLOY / "k8s")
    kinds = {}
    everything = {
        "ingress": {"enabled": True, "tlsSecretName": "tls"},
        "gamesClaim": "games",
        "natsUrl": "nats://nats:4222",
        "certificatesSecretName": "certificates",
        "llm": {"url": "http://model/v1"},
        "auth": {"mode": "oidc", "oidc": {"issuer": "https://id.example", "audience": "table", "algorithms": ["ES256", "RS256"]}},
        "secretKeys": {"serviceSecret": "service-secret", "diceSigningKeys": "dice-signing-keys"},
        "line": {"type": "LoadBalancer", "tlsSecretName": "line"},
        "extraEnv": [{"name": "RUST_LOG", "value": "info"}],
        "services": {"orchestrator": {"extraEnv": [{"name": "LLM_PRICES", "value": "grok-4=3/15"}]}},
    }
    for values in ({}, everything):
        for name, document in rendered(chart, values):
            kinds.setdefault(document["kind"], set()).add(document["metadata"]["name"])
            try:
                kubernetes_validate.validate(document, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as error:
                failures.append(f"{name}: {document['kind']} {document['metadata']['name']}: {error.message}")
    for kind in ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress"):
        expect(kind in kinds, f"the chart makes no {kind}")
    for service in ("gateway", "orchestrator", "character", "dice", "fsm", "tcp-adapter"):
        expect(f"table-{service}" in kinds.get("Deployment", ()), f"the chart does not deploy {service}")
    check_environment(chart, everything)
    unasked, published = {"auth": {"mode": "none"}}, {"ingress": {"enabled": True}}
    balanced = {"line": {"type": "LoadBalancer"}}
    by_name = {"auth": {"mode": "none", "publishOpen": True}}
    for values, is_taken in (
        ({"services": {"gateway": {"replicas": "two"}}}, False),
        ({"auth": {"mode": "password"}}, False),
        ({"auth": {"mode": "oidc"}}, False),
        (unasked, True),
        (unasked | published, False),
        (unasked | balanced, False),
        (by_name | published | balanced, True),
        (published | balanced, True),
    ):
        try:
            chart.render(values, name="table")
            expect(is_taken, f"the chart takes {values}")
        except helm_python.HelmError as error:
            expect(not is_taken, f"the chart does not take {values}: {error}")


def rendered(chart, values):
    """Each document that the chart makes, with the name of its template."""
    for name, text in chart.render(values, name="table", namespace="games").items():
        if name.endswith(".yaml"):
            yield from ((name, document) for document in yaml.safe_load_all(text) if document)


def check_environment(chart, everything):
    """Who is asked who he is, what each pod sees of the secret, and which names tell every replica."""

    def containers(values):
        pods = {d["metadata"]["name"]: d["spec"]["template"]["spec"] for _, d in rendered(chart, values) if d["kind"] == "Deployment"}
        return {
            name: (
                {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]},
                {item["key"] for volume in pod["volumes"] if volume["name"] == "secrets" for item in volume["secret"]["items"]},
                pod["containers"][0],
            )
            for name, pod in pods.items()
        }

    plain, full, opened = containers({}), containers(everything), containers({"auth": {"mode": "none"}})
    for door in ("table-gateway", "table-tcp-adapter"):
        for pods, mode in ((plain, "token"), (full, "oidc"), (opened, "none")):
            expect(pods[door][0].get("DICETOWER_AUTH") == mode, f"{door} does not ask by {mode}")
    expect("DICETOWER_ALLOW_OPEN" not in plain["table-gateway"][0], "a gateway that asks may be open all the same")
    expect(opened["table-gateway"][0].get("DICETOWER_ALLOW_OPEN") == "true", "a gateway that asks nobody does not start")
    expect(all("DICETOWER_ALLOW_OPEN" not in pod[0] for pod in full.values()), "services with a secret may be open all the same")
    for name, (variables, keys, container) in full.items():
        expected = {"database-url", "service-secret"}
        expected |= {"table-orchestrator": {"llm-api-key"}, "table-dice": {"dice-signing-keys"}}.get(name, set())
        expect(keys == expected, f"{name} sees {sorted(keys)} of the secret, not {sorted(expected)}")
        expect(variables.get("DICETOWER_METRICS") == "0.0.0.0:9464", f"{name} tells Prometheus nothing")
        expect(variables.get("RUST_LOG") == "info", f"{name} has not the variables of every pod")
        expect(("LLM_PRICES" in variables) == (name == "table-orchestrator"), f"LLM_PRICES is the orchestrator's, not {name}'s")
        probe = container["readinessProbe"].get("httpGet", {})
        expect(probe.get("path") != "/health/ready", f"{name} leaves with whatever it calls")
    services = {d["metadata"]["name"]: d["spec"] for _, d in rendered(chart, {}) if d["kind"] == "Service"}
    for name in ("dice", "character", "orchestrator", "fsm"):
        expect(services[f"table-{name}"].get("clusterIP") == "None", f"the name of {name} does not tell every replica")


def told_metrics(path):
    """Every name that a server tells, with the endings that Prometheus gives a histogram."""
    names = set()
    for line in Path(path).read_text().splitlines():
        if match := re.match(r"([a-z_]+)[{ ]", line):
            names.add(match[1])
    return names


def check_expressions(told):
    """Each metric that a dashboard or an alert reads is one that a server tells."""
    read = {}
    for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        expect(dashboard["uid"].startswith("dicetower-") and dashboard["panels"], f"{path.name} is no dashboard")
        places = set()
        for panel in dashboard["panels"]:
            places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
            for target in panel["targets"]:
                read.setdefault(target["expr"], f"{path.name}, {panel['title']}")
        expect(len(places) == len(dashboard["panels"]), f"{path.name}: two panels are in one place")
    alerts = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    for rule in rules:
        read.setdefault(rule["expr"], f"alert {rule['alert']}")
        page = DEPLOY.parent / rule["annotations"]["runbook"]
        expect(page.is_file() and page.stem == rule["alert"], f"the alert {rule['alert']} has no runbook of its name")
    check_replicas()
    pages = {path.stem for path in (DEPLOY / "runbooks").glob("[A-Z]*.md")} - {"README"}
    expect(pages == {rule["alert"] for rule in rules}, f"runbooks without an alert: {pages - {rule['alert'] for rule in rules}}")
    for expression, where in read.items():
        # Names that begin as ours do; what stands in quotes is a label's value.
        for name in re.findall(r"\b(?:dicetower|process)_[a-z_]+", re.sub(r'"[^"]*"', "", expression)):
            expect(name in told, f"{where}: no server tells {name}")
    return len(read), len(rules)


def check_replicas():
    """Prometheus expects as many of each service as compose starts, and asks each of them."""
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    started = {}
    for service in compose["services"].values():
        if "full" in service["profiles"] and service.get("image") == "dicetower":
            role = service["command"][0]
            started[role] = started.get(role, 0) + 1
    groups = yaml.safe_load((DEPLOY / "prometheus/replicas.yml").read_text())["groups"]
    expected = {rule["labels"]["job"]: int(rule["expr"].removeprefix("vector(").removesuffix(")")) for rule in groups[0]["rules"]}
    expect(expected == started, f"Prometheus expects {expected}, compose starts {started}")
    asked = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    ports = {job["job_name"]: job["dns_sd_configs"][0]["port"] for job in asked}
    metrics = {variables["DICETOWER_METRICS"] for service in compose["services"].values() if (variables := service.get("environment")) and "DICETOWER_METRICS" in variables}
    expect(set(ports) == set(started), f"Prometheus asks {sorted(ports)}")
    expect(metrics == {f"0.0.0.0:{port}" for port in ports.values()}, f"Prometheus asks at {ports}, services tell at {metrics}")


check_chart()
told = told_metrics(sys.argv[1])
expressions, rules = check_expressions(told)
print("\n".join(failures) or f"the chart, {expressions} expressions and {rules} alerts with their runbooks hold together")
sys.exit(bool(failures))
