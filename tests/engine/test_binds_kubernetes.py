"""Bind variables from Kubernetes secrets: mounted as the kubelet does, and over the API with TLS."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from tls_server import serving

from naftiko.engine.binds import Source, mounted_files, open_source
from naftiko.engine.binds import kubernetes as k8s
from naftiko.engine.binds.kubernetes import SecretName, secret_name
from naftiko.engine.binds.source import NotReadable

TOKEN = "eyJ-token-of-the-pod"


def mount(directory: Path, **values: bytes) -> None:
    """Lay a secret out as the kubelet does: files are links into a dated directory, which `..data` names."""
    dated = directory / "..2026_01_01_00_00_00.123"
    dated.mkdir(parents=True)
    (directory / "..data").symlink_to(dated.name)
    for key, value in values.items():
        (dated / key).write_bytes(value)
        (directory / key).symlink_to(f"..data/{key}")


@pytest.mark.parametrize(
    "location",
    ["k8s-secret://shop/registry", "k8s://shop/registry", "k8s://shop/secrets/registry", "k8s-secret://registry"],
)
def test_a_mounted_secret(tmp_path, location):
    mount(
        tmp_path / "registry",
        **{"api-key": b"s3cret\n", "pem": b"a\nb\n\n", "keystore": b"\xff\xfe", "empty": b"", "cr": b"x\r\n"},
    )
    source = open_source(location, Path("/"), {"NAFTIKO_SECRETS_DIR": str(tmp_path)})
    assert source.get("api-key") == "s3cret", "a newline at the end is the editor's, not the token's"
    assert source.get("pem") == "a\nb\n"
    assert source.get("cr") == "x"
    assert [source.get(key) for key in ("keystore", "empty", "absent", "..data", "../registry/api-key")] == [None] * 5
    assert source.reason == ""


def test_a_mounted_secret_wins_over_the_api(tmp_path):
    mount(tmp_path / "secrets" / "registry", **{"api-key": b"mounted"})
    environment = {
        "NAFTIKO_SECRETS_DIR": "secrets",
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "1",
    }
    assert open_source("k8s-secret://shop/registry", tmp_path, environment).get("api-key") == "mounted"


@dataclass
class StandInCluster:
    """The API server of a cluster: its secrets by path, and what it was asked."""

    secrets: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    status: int = 0
    port: int = 0
    account: Path = Path()

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, object]:
        authorization = headers.get("Authorization")
        self.asked.append((path, authorization))
        if self.status:
            return self.status, {"kind": "Status", "message": f"not for {authorization}"}
        if authorization != f"Bearer {TOKEN}":
            return 401, {"kind": "Status", "reason": "Unauthorized"}
        if path not in self.secrets:
            return 404, {"kind": "Status", "reason": "NotFound"}
        return 200, self.secrets[path]

    def open(self, location: str) -> Source:
        environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}
        return k8s.open_source(location, Path("/"), environment, self.account)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[StandInCluster]:
    stand_in = StandInCluster(account=tmp_path / "serviceaccount")
    stand_in.account.mkdir()
    (stand_in.account / "token").write_text(TOKEN + "\n")
    (stand_in.account / "namespace").write_text("own")
    with serving(stand_in.answer, stand_in.account / "ca.crt") as port:
        stand_in.port = port
        yield stand_in


def secret(**values: bytes) -> dict[str, object]:
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    return {"kind": "Secret", "apiVersion": "v1", "type": "Opaque", "data": data}


def test_the_api_is_asked_with_the_service_account(cluster):
    cluster.secrets["/api/v1/namespaces/shop/secrets/registry"] = secret(
        **{"api-key": b"s3cret\n", "tls.key": b"pem", "jks": b"\xff"}
    )
    source = cluster.open("k8s-secret://shop/registry")
    assert cluster.asked == []
    assert source.get("api-key") == "s3cret"
    assert source.get("tls.key") == "pem"
    assert source.get("jks") is source.get("absent") is None
    assert cluster.asked == [("/api/v1/namespaces/shop/secrets/registry", f"Bearer {TOKEN}")]


def test_without_a_namespace_it_is_the_pods_own(cluster):
    cluster.secrets["/api/v1/namespaces/own/secrets/registry"] = secret(**{"api-key": b"v"})
    assert cluster.open("k8s://registry").get("api-key") == "v"


def test_a_token_that_was_rotated_is_read_anew(cluster):
    """The kubelet renews the token's file every hour."""
    cluster.secrets["/api/v1/namespaces/shop/secrets/registry"] = secret(**{"api-key": b"v"})
    (cluster.account / "token").write_text("old")
    source = cluster.open("k8s://shop/registry")
    (cluster.account / "token").write_text(TOKEN)
    assert source.get("api-key") == "v"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "the service account may not read the secret `shop/registry`; give its role `get` on it"),
        (403, "the service account may not read the secret `shop/registry`; give its role `get` on it"),
        (404, "there is no secret `shop/registry`"),
        (500, "the Kubernetes API answered 500 without a secret"),
    ],
)
def test_refusals(cluster, status, told):
    cluster.status = status
    source = cluster.open("k8s-secret://shop/registry")
    assert source.get("api-key") is None
    assert source.reason == told


def test_a_secret_without_data_and_an_answer_that_is_none(cluster):
    cluster.secrets["/api/v1/namespaces/shop/secrets/empty"] = {"kind": "Secret"}
    cluster.secrets["/api/v1/namespaces/shop/secrets/odd"] = [1]
    cluster.secrets["/api/v1/namespaces/shop/secrets/broken"] = {
        "kind": "Secret",
        "data": {"api-key": "no base64!", "n": 1},
    }
    assert (cluster.open("k8s://shop/empty").get("api-key"), cluster.open("k8s://shop/empty").reason) == (None, "")
    assert cluster.open("k8s://shop/odd").reason == "the Kubernetes API answered 200 without a secret"
    assert cluster.open("k8s://shop/broken").get("api-key") is None


def test_an_api_server_of_another_authority_gets_no_token(cluster):
    trustme.CA().cert_pem.write_to_path(str(cluster.account / "ca.crt"))
    assert "its certificate is not trusted" in cluster.open("k8s://shop/registry").reason
    assert cluster.asked == []


def test_outside_of_a_cluster_and_in_a_pod_without_an_account(tmp_path):
    assert open_source("k8s://shop/registry", tmp_path, {"NAFTIKO_SECRETS_DIR": "."}).reason == (
        "`shop/registry` is not mounted below NAFTIKO_SECRETS_DIR, and this is no pod of Kubernetes"
    )
    source = k8s.open_source("k8s://shop/registry", tmp_path, {"KUBERNETES_SERVICE_HOST": "::1"}, tmp_path)
    assert source.reason == f"the pod has no service account: {tmp_path / 'token'} can't be read"


@pytest.mark.parametrize(
    "location",
    [
        "k8s://",
        "k8s://a/b/c",
        "k8s://shop/../registry",
        "k8s://shop/..",
        "k8s://Shop/registry",
        "k8s://shop/a b",
        "k8s://shop/a%2Fb",
        "k8s://shop/a?x",
    ],
)
def test_a_location_that_names_no_secret(location, tmp_path):
    with pytest.raises(NotReadable, match="it names no secret"):
        secret_name(location)
    assert "it names no secret" in open_source(location, tmp_path, {}).reason


def test_a_secret_is_named_with_its_namespace():
    assert secret_name("k8s://shop/tls.registry-1") == SecretName("shop", "tls.registry-1")
    assert str(secret_name("k8s://registry")) == "`registry`"


def test_where_a_mounted_secret_would_be_read(tmp_path):
    surroundings = {"NAFTIKO_SECRETS_DIR": "mounted"}
    found = mounted_files(
        " k8s://shop/registry", ["token", "..data", "../other/key", "a/b", "tls.crt"], tmp_path, surroundings
    )
    registry = tmp_path / "mounted" / "registry"
    assert found == [registry, registry / "token", registry / "tls.crt"]
    for location in ("k8s-secret://no/such/thing/at/all", "file:///./secret.yaml", "vault://team/app"):
        assert mounted_files(location, ["token"], tmp_path, surroundings) == []
