"""The proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

import httpx


def environment_proxies() -> Mapping[str, str]:
    """The proxy of each scheme, and of ``all``, as the environment names them now."""
    return urllib.request.getproxies()


def proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """The proxy to go through for ``url``, or ``None`` for the direct way.

    Raises:
        httpx.ProxyError: the proxy is of a kind that can't be used, such as SOCKS.
    """
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    if "://" not in proxy:
        return f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise httpx.ProxyError("the proxy is neither http nor https")
    return proxy
