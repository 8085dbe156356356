"""Secrets of one provider that a file sends to another's host (SEMANTICS 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ConsumesHttp
from naftiko.engine.reach import host_of
from naftiko.plan.unit import CapabilityPlan

if TYPE_CHECKING:
    from naftiko.engine.reach import Reach

_HOMES: Final = {
    "AWS_SECRET_ACCESS_KEY": "amazonaws.com aws.amazon.com amazonaws.com.cn api.aws",
    "AWS_SESSION_TOKEN": "amazonaws.com aws.amazon.com amazonaws.com.cn api.aws",
    "AWS_ACCESS_KEY_ID": "amazonaws.com aws.amazon.com amazonaws.com.cn api.aws",
    "GITHUB_TOKEN": "github.com githubusercontent.com githubcopilot.com ghcr.io github.ai ghe.com ai.azure.com",
    "GH_TOKEN": "github.com githubusercontent.com githubcopilot.com ghcr.io github.ai ghe.com",
    "GITLAB_TOKEN": "gitlab.com",
    "CI_JOB_TOKEN": "gitlab.com",
    "AZURE_CLIENT_SECRET": "azure.com windows.net microsoft.com microsoftonline.com azure.net azure.us azure.cn",
    "ARM_CLIENT_SECRET": "azure.com windows.net microsoft.com microsoftonline.com azure.net azure.us azure.cn",
    "GOOGLE_APPLICATION_CREDENTIALS": "googleapis.com google.com",
    "GOOGLE_API_KEY": "googleapis.com google.com",
    "GEMINI_API_KEY": "googleapis.com google.com",
    "OPENAI_API_KEY": "openai.com azure.com",
    "ANTHROPIC_API_KEY": "anthropic.com claude.com",
    "MISTRAL_API_KEY": "mistral.ai",
    "HF_TOKEN": "huggingface.co hf.co",
    "HUGGINGFACE_TOKEN": "huggingface.co hf.co",
    "SLACK_BOT_TOKEN": "slack.com",
    "SLACK_TOKEN": "slack.com",
    "STRIPE_SECRET_KEY": "stripe.com",
    "STRIPE_API_KEY": "stripe.com",
    "TWILIO_AUTH_TOKEN": "twilio.com",
    "SENDGRID_API_KEY": "sendgrid.com",
    "CLOUDFLARE_API_TOKEN": "cloudflare.com",
    "DIGITALOCEAN_TOKEN": "digitalocean.com",
    "HEROKU_API_KEY": "heroku.com",
    "DD_API_KEY": "datadoghq.com datadoghq.eu ddog-gov.com",
    "SENTRY_AUTH_TOKEN": "sentry.io",
    "NPM_TOKEN": "npmjs.org npmjs.com",
    "NODE_AUTH_TOKEN": "npmjs.org npmjs.com github.com",
    "PYPI_TOKEN": "pypi.org",
    "TWINE_PASSWORD": "pypi.org",
    "CARGO_REGISTRY_TOKEN": "crates.io",
    "DOCKER_PASSWORD": "docker.com docker.io",
    "VAULT_TOKEN": "",
    "KUBECONFIG": "",
    "SSH_AUTH_SOCK": "",
    "SSH_PRIVATE_KEY": "",
    "PGPASSWORD": "",
    "MYSQL_PWD": "",
    "DATABASE_URL": "",
    "SUDO_PASSWORD": "",
}
"""Variables that many machines have, with the domains whose they are; none: nobody's who speaks HTTP."""


def check_foreign_secrets(document: CapabilityDocument, plan: CapabilityPlan, reach: Reach, findings: Findings) -> None:
    """Tell of secrets that many machines have, and that go to a host that is not their provider's.

    A host that is a variable's is not known; what an operator has set with ``--base-uri`` is.
    """
    entries = {entry.namespace or "": entry for entry in document.consumes if isinstance(entry, ConsumesHttp)}
    for namespace, api in plan.apis.items():
        host = host_of(api)
        name_alone = host.rpartition(":")[0] or host if not host.endswith("]") else host
        if "{" in host or " " in host or namespace not in entries:
            continue
        for used in reach.variables:
            key = used.source.partition(" of ")[0] or used.name.removeprefix("env.")
            homes = _HOMES.get(key)
            if homes is not None and host in used.targets and not _is_at_home(name_alone.lower(), homes):
                whose = f"is a secret for {homes.split()[0]}" if homes else "is a secret of this machine"
                findings.at(entries[namespace].at("baseUri")).warning(
                    "foreign-secret",
                    f"`{key}` {whose}, and its value is sent to {host}",
                    hint=f"don't serve the file unless that is meant; `--deny-env {key}` keeps it from every file",
                )


def _is_at_home(host: str, homes: str) -> bool:
    return any(host == home or host.endswith(f".{home}") for home in homes.split())
