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
    }
    for values in ({}, everything):
        for name, text in chart.render(values, name="table", namespace="games").items():
            if not name.endswith(".yaml"):
                continue
            for document in filter(None, yaml.safe_load_all(text)):
                kinds.setdefault(document["kind"], set()).add(document["metadata"]["name"])
                try:
                    kubernetes_validate.validate(document, KUBERNETES, strict=True)
                except kubernetes_validate.ValidationError as error:
                    failures.append(f"{name}: {document['kind']} {document['metadata']['name']}: {error.message}")
    for kind in ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress"):
        expect(kind in kinds, f"the chart makes no {kind}")
    for service in ("gateway", "orchestrator", "character", "dice", "fsm", "tcp-adapter"):
        expect(f"table-{service}" in kinds.get("Deployment", ()), f"the chart does not deploy {service}")
    try:
        chart.render({"services": {"gateway": {"replicas": "two"}}}, name="table")
        failures.append("the chart takes values that make no sense")
    except helm_python.HelmError:
        pass


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
    pages = {path.stem for path in (DEPLOY / "runbooks").glob("[A-Z]*.md")} - {"README"}
    expect(pages == {rule["alert"] for rule in rules}, f"runbooks without an alert: {pages - {rule['alert'] for rule in rules}}")
    for expression, where in read.items():
        # Names that begin as ours do; what stands in quotes is a label's value.
        for name in re.findall(r"\b(?:dicetower|process)_[a-z_]+", re.sub(r'"[^"]*"', "", expression)):
            expect(name in told, f"{where}: no server tells {name}")
    return len(read), len(rules)


check_chart()
told = told_metrics(sys.argv[1])
expressions, rules = check_expressions(told)
print("\n".join(failures) or f"the chart, {expressions} expressions and {rules} alerts with their runbooks hold together")
sys.exit(bool(failures))
