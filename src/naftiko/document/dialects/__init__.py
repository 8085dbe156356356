"""Bring every dialect to the canonical form, one module for each concern (SEMANTICS 1.3).

A concern is a function on the entries of one mapping, run before its keys are read; ``CONCERNS`` says which
models it belongs to, and with each the models made of it. It may rename, move or add entries; what it adds keeps the
marks of where it came from.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

from naftiko.document.dialects import (
    authentication,
    bodies,
    imports,
    keys,
    limits,
    parameters,
    resilience,
    routes,
    skills,
    steps,
)
from naftiko.document.dialects import authentication as variables
from naftiko.document.dialects import steps as calls
from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    Aggregate,
    AggregateFunction,
    ApiKeyAuthentication,
    Authentication,
    Bind,
    CallStep,
    CapabilityDocument,
    ConsumedOperation,
    ConsumedResource,
    ConsumesHttp,
    ControlManagement,
    ExposedOperation,
    ExposedResource,
    ExposedSkill,
    Import,
    Info,
    InputParameter,
    LookupStep,
    Mapping,
    McpAdapter,
    McpPrompt,
    McpResource,
    McpTool,
    Model,
    OutputParameter,
    PromptArgument,
    RequestBody,
    Resilience,
    RestAdapter,
    SkillAdapter,
    SkillTool,
    Step,
    UnknownAdapter,
    UnknownAuthentication,
    UnknownConsumes,
    UnknownStep,
)
from naftiko.document.reader import Entries

__all__ = ["CONCERNS", "Concern", "concerns_of"]

Concern: TypeAlias = Callable[[Entries, Findings], None]

_LABELLED = keys.renamed(display="label", title="label")
_IN_NAMESPACE = keys.stands_for("namespace", "name", "id")
_BASE_URI = keys.renamed(baseUrl="baseUri", baseURI="baseUri")
_ADAPTER = (_LABELLED, _IN_NAMESPACE, authentication.declared)
_UNIT = (keys.named, _LABELLED, calls.spread)
_EXPOSED = (*_UNIT, limits.declared)
_CALLED = (*_ADAPTER, limits.declared)

CONCERNS: dict[type[Model], tuple[Concern, ...]] = {
    AdapterModel: _ADAPTER,
    Aggregate: (keys.renamed(display="label", title="label", flows="functions"), _IN_NAMESPACE),
    AggregateFunction: _UNIT,
    ApiKeyAuthentication: (authentication.api_key, variables.of_credentials),
    Authentication: (variables.of_credentials,),
    Bind: (_IN_NAMESPACE,),
    CallStep: (keys.named, calls.spread),
    CapabilityDocument: (keys.renamed(naftiko="version", ikanos="version"),),
    ConsumedOperation: (routes.described, keys.named, _LABELLED, bodies.declared, resilience.declared),
    ConsumedResource: (routes.described, routes.consumed, keys.named, _LABELLED, resilience.declared),
    ConsumesHttp: (
        *(_BASE_URI, routes.resources, _LABELLED, _IN_NAMESPACE),
        *(authentication.declared, resilience.declared),
    ),
    ControlManagement: (keys.logs,),
    ExposedOperation: (routes.described, *_EXPOSED),
    ExposedResource: (routes.described, routes.exposed, keys.named, _LABELLED, limits.declared),
    ExposedSkill: (keys.named, _LABELLED),
    Import: (imports.both_spellings,),
    Info: (keys.renamed(display="label", title="label"), keys.name_as_label),
    InputParameter: (keys.named, _LABELLED, parameters.input_parameter),
    LookupStep: (keys.named, steps.lookup),
    Mapping: (keys.renamed(targetName="target"),),
    McpAdapter: _CALLED,
    McpPrompt: (keys.named, _LABELLED),
    McpResource: _EXPOSED,
    McpTool: _EXPOSED,
    OutputParameter: (_LABELLED, parameters.output_parameter),
    PromptArgument: (keys.named, _LABELLED),
    RequestBody: (bodies.block,),
    Resilience: (resilience.short,),
    RestAdapter: (routes.resources, *_CALLED),
    SkillAdapter: (skills.declared, *_ADAPTER),
    SkillTool: (keys.named, _LABELLED),
    Step: (keys.named,),
    UnknownAdapter: (_IN_NAMESPACE,),
    UnknownAuthentication: (),
    UnknownConsumes: (_BASE_URI, _IN_NAMESPACE),
    UnknownStep: (),
}


@functools.cache
def concerns_of(model: type[Model]) -> tuple[Concern, ...]:
    """Return the concerns of a model: the spellings of its keys, and those of the nearest one that it is made of."""
    own = next((CONCERNS[base] for base in model.__mro__ if base in CONCERNS), ())
    return (keys.spelt(model.key_spellings), *own) if model.key_spellings else own
