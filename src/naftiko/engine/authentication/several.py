"""Several credentials of one API: those that are added first, then what signs all of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx

from naftiko.document.model import SeveralAuthentication
from naftiko.engine.authentication.carried import carried
from naftiko.engine.authentication.scheme import Credential, Means, Pairs, Proof
from naftiko.engine.request import Draft


class SeveralCredential(Credential):
    """What all of its parts add.

    Args:
        means: of all of them.
        part: makes the credential of one.
    """

    def __init__(self, means: Means, part: Callable[[Means], Credential | None]) -> None:
        found = [part(each) for each in _means_of(means)]
        self._parts = [each for each in found if each is not None]
        self._places = [at for at, each in enumerate(found) if each is not None]  # of no other anything is sent
        super().__init__(means)
        self.is_fixed = all(each.is_fixed for each in self._parts)
        self.is_signature = any(each.is_signature for each in self._parts)
        self.refusals = frozenset[int]().union(*(each.refusals for each in self._parts))

    def move(self, means: Means) -> None:
        """Go on with other means, each part with its own."""
        super().move(means)
        own = _means_of(means)
        for each, at in zip(self._parts, self._places, strict=True):
            each.move(own[at])
        self.optional = tuple(name for each in self._parts for name in each.optional)

    async def prove(self, draft: Draft) -> Proof:
        """Return what is added; a signature is of the request with all the rest, which is therefore put there first."""
        added = [await each.prove(draft) for each in self._parts if not each.is_signature]
        if not self.is_signature:
            return _merged(added)
        rest = carried(_merged(added))
        if rest.fields and draft.streamed is not None:
            await draft.content()
        rest.put(draft, (), replace=False)
        for _, value in (*rest.headers, *rest.cookies):
            self._learn(value.rpartition(" ")[2])
        return _merged([await each.prove(draft) for each in self._parts if each.is_signature])

    def path(self) -> Pairs:
        """Return the placeholders' values of all of them."""
        return [pair for each in self._parts for pair in each.path()]

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of the one that has one."""
        return next(filter(None, (each.tls() for each in self._parts)), None)

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Ask all of them."""
        return any([await each.retry(request, response) for each in self._parts])

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return those of the signatures."""
        return [text for each in self._parts if each.is_signature for text in each.proofs(request)]


def _merged(proofs: Sequence[Proof]) -> Proof:
    return Proof(
        headers=[pair for proof in proofs for pair in proof.headers],
        query=[pair for proof in proofs for pair in proof.query],
        cookies=[pair for proof in proofs for pair in proof.cookies],
        fields=[pair for proof in proofs for pair in proof.fields],
    )


def _means_of(means: Means) -> list[Means]:
    """Return what each part is made with: the API as if it had that part alone."""
    api = means.api
    authentication = api.authentication
    parts = authentication.all if isinstance(authentication, SeveralAuthentication) else ()
    made = []
    for at, part in enumerate(parts):
        secrets = {key.partition(".")[2]: value for key, value in api.secrets.items() if key.startswith(f"{at}.")}
        own = replace(api, authentication=part, secrets=secrets, credentials=part.places())
        made.append(replace(means, api=own))
    return made
