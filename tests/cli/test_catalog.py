"""``naftiko catalog`` writes what a Backstage catalogue reads."""

from __future__ import annotations

import yaml

FILE = """\
naftiko: 1.0.0-beta5
info: {label: "Harbour: Berths & Co", description: Berths., tags: [Sea Port]}
consumes: [{type: http, namespace: ships, baseUri: "https://ships.example.net", resources: [{name: x, path: /x, operations: [{name: get, method: GET}]}]}]
exposes:
- {type: rest, namespace: front, port: 8080, resources: [{name: x, path: /x, operations: [{name: x, method: GET, call: ships.get}]}]}
- {type: control, port: 9464}
"""


def test_a_component(run, tmp_path):
    (tmp_path / "a.yaml").write_text(FILE)
    done = run("catalog", "a.yaml", "--owner", "port-team")
    assert (done.returncode, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout) == {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {
            "name": "harbour-berths-co",
            "title": "Harbour: Berths & Co",
            "description": "Berths.",
            "annotations": {
                "naftiko.io/spec-version": "1.0.0-beta5",
                "naftiko.io/control-port": "9464",
                "prometheus.io/scrape-port": "9464",
            },
            "tags": ["sea-port", "rest"],
        },
        "spec": {
            "type": "service",
            "lifecycle": "production",
            "owner": "port-team",
            "providesApis": ["front"],
            "consumesApis": ["ships"],
            "dependsOn": ["api:ships"],
        },
    }


def test_what_is_no_capability_is_told(run, tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    done = run("catalog", "a.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't be read as a capability" in done.stderr
