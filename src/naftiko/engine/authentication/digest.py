"""HTTP Digest (RFC 7616).

The first request to a server goes out without a credential, and again with one after the challenge; later ones carry
it at once, with the nonce count one higher, until the server wants another nonce.

This is not ``httpx.DigestAuth``: it takes the first challenge even where it can't do its algorithm, expects each
challenge in a header of its own, and can only be driven by letting it count requests that were never sent.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import httpx

from naftiko.engine.authentication.scheme import Credential, Means, Proof
from naftiko.engine.request import Draft
from naftiko.ground.http import A_TOKEN, PARAMETER, parameter, quoted

Hash = Callable[[bytes], str]


def _hash(name: str) -> Hash:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


_NAMES = (("SHA-512-256", "sha512_256"), ("SHA-256", "sha256"), ("MD5", "md5"))
_HASHES: Final[Mapping[str, Hash]] = MappingProxyType(
    {name: _hash(known) for name, known in _NAMES if known in hashlib.algorithms_available}
)
"""The algorithms of RFC 7616 chapter 6.1, the strongest first; each also with ``-sess``."""
_PROOF: Final = re.compile(rb'(?:response|cnonce)="?([0-9A-Za-z+/=]{16,})')
_STRENGTH: Final = tuple(_HASHES)
_SESSION: Final = "-SESS"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A server's Digest challenge (RFC 7616 chapter 3.3), one that can be answered.

    Attributes:
        algorithm: as the server wrote it, ``""`` where it said none, which is MD5.
        qop: whether the protection ``auth`` is used; without it the answer is that of RFC 2069.
        userhash: whether the name is to be sent as its hash.
    """

    realm: str
    nonce: str
    algorithm: str = ""
    opaque: str | None = None
    qop: bool = True
    userhash: bool = False

    @property
    def session(self) -> bool:
        """Whether the key is bound to the nonce (``-sess``)."""
        return self.algorithm.upper().endswith(_SESSION)

    @property
    def hash_name(self) -> str:
        """The hash's name, without ``-sess``."""
        return self.algorithm.upper().removesuffix(_SESSION) or "MD5"


@dataclass(slots=True)
class Session:
    """A nonce in use: it counts its requests, and keeps its key.

    Attributes:
        cnonce: the client's nonce, the same for the whole session, as ``-sess`` needs it (RFC 7616 chapter 3.4.2).
        count: how many requests were made with the nonce.
    """

    challenge: Challenge
    username: str
    password: str = field(repr=False)
    cnonce: str
    count: int = 0

    def header(self, method: str, uri: str) -> str:
        """Return the value of ``Authorization`` for the next request (RFC 7616 chapter 3.4).

        Args:
            method: the HTTP method.
            uri: the request's target as it goes on the wire: path and query.
        """
        self.count += 1
        challenge, hashed = self.challenge, _HASHES[self.challenge.hash_name]
        key = hashed(f"{self.username}:{challenge.realm}:{self.password}".encode())
        if challenge.session:
            key = hashed(f"{key}:{challenge.nonce}:{self.cnonce}".encode())
        target = hashed(f"{method}:{uri}".encode())
        counted = f"{self.count:08x}"
        between = f"{challenge.nonce}:{counted}:{self.cnonce}:auth" if challenge.qop else challenge.nonce
        fields = {
            **self._user(hashed),
            "realm": quoted(challenge.realm),
            "uri": quoted(uri),
            "nonce": quoted(challenge.nonce),
            "response": quoted(hashed(f"{key}:{between}:{target}".encode())),
        }
        if challenge.algorithm:
            fields["algorithm"] = challenge.algorithm
        if challenge.opaque is not None:
            fields["opaque"] = quoted(challenge.opaque)
        if challenge.qop:
            fields |= {"qop": "auth", "nc": counted}
        if challenge.qop or challenge.session:
            fields["cnonce"] = quoted(self.cnonce)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())

    def is_like(self, other: Session) -> bool:
        """Tell whether both give the same proof to the same nonce."""
        ours = (self.challenge.nonce, self.challenge.realm, self.username, self.password)
        return ours == (other.challenge.nonce, other.challenge.realm, other.username, other.password)

    def _user(self, hashed: Hash) -> dict[str, str]:
        if self.challenge.userhash:
            name = hashed(f"{self.username}:{self.challenge.realm}".encode())
            return {"username": quoted(name), "userhash": "true"}
        if self.username.isascii():
            return {"username": quoted(self.username)}
        return {"username*": f"UTF-8''{quote(self.username, safe='')}"}  # RFC 5987, as RFC 7616 chapter 3.4 asks


class DigestCredential(Credential):
    """``Authorization: Digest …``, once there was a challenge; a digest holds for one URL (RFC 7616 chapter 3.4)."""

    is_signature = True

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._session: Session | None = None

    async def prove(self, draft: Draft) -> Proof:
        """Return the header; nothing before the first challenge."""
        if self._session is None:
            self._user_and_password()  # a missing variable is told before anything is sent
            return Proof()
        target = httpx.URL(draft.full_url()).raw_path.decode("ascii")
        return Proof(headers=[("Authorization", self._session.header(draft.method, target))])

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:  # noqa: ARG002  # a credential's shape
        """Take up the strongest challenge that can be answered.

        There is no use in answering the nonce of the refused answer again, unless with another name or password. A new
        nonce is answered also where the server doesn't call the old one stale: many don't.
        """
        challenge = strongest(parse_challenges(response.headers.get_list("WWW-Authenticate")))
        if challenge is None:
            return False
        session = Session(challenge, *self._user_and_password(), secrets.token_hex(16))
        if self._session is not None and session.is_like(self._session):
            return False
        self._session = session
        return True

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return the header, and its hashes."""
        header = request.headers.get("Authorization", "").encode("utf-8")
        if not header:
            return ()
        return [header.partition(b" ")[2].decode(), *(found.decode() for found in _PROOF.findall(header))]

    def _user_and_password(self) -> tuple[str, str]:
        return self._secret("username"), self._secret("password")


_FIELD = re.compile(PARAMETER)
_SCHEME = re.compile(rf"({A_TOKEN})(?:[ \t]+|$)")
_BETWEEN = re.compile(r"[ \t,]*")


def parse_challenges(headers: Iterable[str]) -> list[Mapping[str, str]]:
    """Return the parameters of every Digest challenge, names in lower case.

    A ``WWW-Authenticate`` may hold several challenges, of other schemes too (RFC 9110 chapter 11.6.1).
    """
    return [dict(fields) for header in headers for scheme, fields in _challenges(header) if scheme == "digest"]


def _challenges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each challenge with its scheme; what is no parameter of it, such as a token68, is passed over."""
    scheme, fields, at = "", dict[str, str](), 0
    while at < len(header):
        found = _FIELD.match(header, at)
        if found is not None:
            name, value = parameter(found)
            fields[name] = value
        else:
            found = _SCHEME.match(header, at)
            if found is not None:
                if scheme:
                    yield scheme, fields
                scheme, fields = found[1].lower(), {}
        rest = header.find(",", at) if found is None else found.end()
        if rest < 0:
            break
        between = _BETWEEN.match(header, rest)
        at = between.end() if between is not None else rest
    if scheme:
        yield scheme, fields


def strongest(offered: Iterable[Mapping[str, str]]) -> Challenge | None:
    """Return the strongest challenge that can be answered; the first of equals (RFC 7616 chapter 3.7)."""
    able = [challenge for fields in offered if (challenge := _challenge(fields)) is not None]
    return min(able, key=lambda challenge: _STRENGTH.index(challenge.hash_name), default=None)


def _challenge(fields: Mapping[str, str]) -> Challenge | None:
    """Return a challenge, or ``None`` where it is incomplete, or wants what can't be done.

    That is an unknown algorithm, text that no header can repeat, and ``auth-int`` alone, which no server asks for and
    which would keep each body in memory.
    """
    algorithm = fields.get("algorithm", "")
    protections = {word.strip().lower() for word in fields["qop"].split(",")} if "qop" in fields else None
    if "realm" not in fields or "nonce" not in fields or (protections is not None and "auth" not in protections):
        return None
    if not all(fields.get(name, "").isascii() for name in ("realm", "nonce", "opaque")):
        return None
    challenge = Challenge(
        realm=fields["realm"],
        nonce=fields["nonce"],
        algorithm=algorithm,
        opaque=fields.get("opaque"),
        qop=protections is not None,
        userhash=fields.get("userhash", "").lower() == "true",
    )
    return challenge if challenge.hash_name in _HASHES else None
