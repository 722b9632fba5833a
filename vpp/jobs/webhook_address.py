"""The address of a webhook: https, public, and looked up once for the check and for the connection."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    import requests

TIMEOUT_S = 15
UNICAST = ipaddress.IPv6Network("2000::/3")  # of the others some lead into a network of our own, as 64:ff9b::/96


class BadWebhook(DomainError):
    """The address may not be called: not https, or inside a private network."""

    code = "bad_webhook"
    http_status = 422


def check_address(url: str) -> list[str]:
    """The IP addresses that the url's host has now, none where it is not known now (a delivery waits for it).

    Raises BadWebhook for anything but https to public addresses, unless VPP_WEBHOOK_PRIVATE allows it.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in (("http", "https") if settings.WEBHOOK_PRIVATE else ("https",)):
        raise BadWebhook("a webhook needs an https address")
    try:
        answers = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    except ValueError as error:  # a port above 65535, a name that cannot be encoded
        raise BadWebhook(f"{parts.netloc} is no host and port: {error}") from error
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not settings.WEBHOOK_PRIVATE and not all(map(_is_public, found)):
        raise BadWebhook(f"{parts.hostname} is not a public address")
    return found


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        return address.is_global and address in UNICAST and address.sixtofour is None
    return address.is_global and not address.is_multicast


def post(url: str, body: bytes, headers: dict[str, str], *, attempt: int) -> int:
    """The receiver's status; redirects are not followed. Raises BadWebhook, requests.RequestException.

    The name is looked up again for each post, and the connection goes to what was found, so that nobody can change the
    name between the check and the connection; of several addresses each attempt (from 1) takes the next. Where the
    environment names a proxy (HTTPS_PROXY), the proxy looks up the name and decides.
    """
    import requests
    from requests.utils import get_environ_proxies, select_proxy

    found = check_address(url)
    with requests.Session() as session:
        if not select_proxy(url, get_environ_proxies(url)):
            if not found:
                raise requests.ConnectionError(f"{urlsplit(url).hostname} is not known now")
            for scheme in ("https://", "http://"):
                session.mount(scheme, _bound_to(found[(attempt - 1) % len(found)]))
        answer = session.post(url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        return int(answer.status_code)


def _bound_to(address: str) -> requests.adapters.HTTPAdapter:
    """An adapter that connects to `address`, whatever the url's host; Host header and TLS name stay the host's."""
    from requests.adapters import HTTPAdapter

    class Bound(HTTPAdapter):
        def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
            host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
            request.headers["Host"] = urlsplit(request.url).netloc.rpartition("@")[2]
            name = {"server_hostname": host["host"]} if host["scheme"] == "https" else {}
            return {**host, "host": f"[{address}]" if ":" in address else address}, {**tls, **name}

    return Bound()
