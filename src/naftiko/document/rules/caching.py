"""Rules of what answers say about caching, and of the store in front of APIs (SEMANTICS 6.5)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, REST, WARNING, Rule

_LINE = "    - {method: GET, description: A product., call: shop.get-product}\n"


def _route(cache: str, *, method: str = "GET", more: str = "") -> str:
    made = f"    - {{method: {method}, description: A product., call: shop.get-product{more}, cache: {{{cache}}}}}\n"
    return REST.replace(_LINE, made)


_GUARDED = '  port: 8080\n  authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}\n'
_FORWARDING = "    forward: {targetNamespace: shop}\n    operations:\n"
_LANGUAGE = ", inputParameters: [{name: id, in: path}, {name: Accept-Language, in: header}]"

CACHING = (
    Rule(
        "cache-method",
        WARNING,
        "The answer of a route that changes something can't be kept.",
        "A cache keeps what a GET or a HEAD gets. The answer to any other method says `no-store`, whatever `cache` "
        "says.",
        "Take `cache` away, or make the route a GET.",
        _route("maxAge: 60", method="PUT"),
        _route("maxAge: 60"),
    ),
    Rule(
        "cache-public",
        WARNING,
        "Answers for known callers may be given to anybody.",
        "The adapter asks who calls. `public` lets every proxy on the way keep the answer, and give it to others.",
        "Write `scope: private`, which lets the caller's own cache alone keep it.",
        _route("maxAge: 60, scope: public").replace("  port: 8080\n", _GUARDED),
        _route("maxAge: 60, scope: private").replace("  port: 8080\n", _GUARDED),
    ),
    Rule(
        "cache-vary",
        WARNING,
        "An answer may be kept that depends on a header, and doesn't say so.",
        "A cache that isn't told gives the answer for one value of the header to callers who send another one, such as "
        "another language or another credential.",
        "Name the header in `vary`.",
        _route("maxAge: 60", more=_LANGUAGE),
        _route("maxAge: 60, vary: [Accept-Language]", more=_LANGUAGE),
    ),
    Rule(
        "cache-forward",
        ERROR,
        "`propagate` stands where requests are forwarded.",
        "What is forwarded keeps all of the upstream's headers, those about caching among them: there is nothing to "
        "propagate.",
        "Take `propagate` away, or declare the operation in a resource of its own.",
        _route("propagate: true").replace(
            "    operations:\n", "    forward: {targetNamespace: shop}\n    operations:\n"
        ),
        _route("maxAge: 60").replace("    operations:\n", _FORWARDING),
    ),
    Rule(
        "cache-no-store",
        WARNING,
        "`noStore` stands beside keys that say how long an answer may be kept.",
        "Caches obey `no-store`: nothing is kept, and the other keys mean nothing.",
        "Take `noStore` away, or the others.",
        _route("noStore: true, maxAge: 60"),
        _route("noStore: true"),
    ),
    Rule(
        "cache-age",
        WARNING,
        "A time of `cache` is less than nothing, or more than a year.",
        "Times are seconds. Caches take a year for the longest, so that more is often another unit. Less than nothing "
        "is sent as 0.",
        "Write seconds, from 0 to 31536000.",
        _route("maxAge: 86400000"),
        _route("maxAge: 86400"),
    ),
)
