"""Bring every dialect to the canonical form, one module for each concern (SEMANTICS 1.3).

A concern is a function on the entries of one mapping, run before its keys are read; ``CONCERNS`` says which
models it belongs to. It may rename, move or add entries; what it adds keeps the marks of where it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from naftiko.document.dialects import authentication, bodies, calls, imports, keys, parameters, steps
from naftiko.document.findings import Findings
from naftiko.document.model import (
    Aggregate,
    AggregateFunction,
    ApiKeyAuthentication,
    BasicAuthentication,
    BearerAuthentication,
    CallStep,
    ConsumedOperation,
    ConsumedResource,
    ConsumesHttp,
    ControlAdapter,
    ControlManagement,
    DigestAuthentication,
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
    OAuth2Authentication,
    OutputParameter,
    PromptArgument,
    RequestBody,
    RestAdapter,
    SkillAdapter,
    SkillTool,
)
from naftiko.document.reader import Entries

Concern: TypeAlias = Callable[[Entries, Findings], None]

_LABELLED = keys.renamed(display="label", title="label")

CONCERNS: dict[type[Model], tuple[Concern, ...]] = {
    Aggregate: (keys.renamed(display="label", title="label", flows="functions", name="namespace"),),
    AggregateFunction: (_LABELLED, calls.spread),
    ApiKeyAuthentication: (authentication.api_key,),
    BasicAuthentication: (authentication.scheme,),
    BearerAuthentication: (authentication.scheme,),
    CallStep: (calls.spread,),
    ConsumedOperation: (_LABELLED, bodies.declared),
    ConsumedResource: (_LABELLED,),
    ConsumesHttp: (_LABELLED, keys.renamed(baseUrl="baseUri", baseURI="baseUri")),
    ControlAdapter: (_LABELLED,),
    ControlManagement: (keys.logs,),
    DigestAuthentication: (authentication.scheme,),
    ExposedOperation: (_LABELLED, calls.spread),
    ExposedResource: (_LABELLED,),
    ExposedSkill: (_LABELLED,),
    Import: (imports.both_spellings,),
    Info: (keys.renamed(display="label", title="label"), keys.name_as_label),
    InputParameter: (_LABELLED, parameters.input_parameter),
    LookupStep: (steps.lookup,),
    Mapping: (keys.renamed(targetName="target"),),
    McpAdapter: (_LABELLED,),
    McpPrompt: (_LABELLED,),
    McpResource: (_LABELLED, calls.spread),
    McpTool: (_LABELLED, calls.spread),
    OAuth2Authentication: (authentication.scheme,),
    OutputParameter: (_LABELLED, parameters.output_parameter),
    PromptArgument: (_LABELLED,),
    RequestBody: (bodies.block,),
    RestAdapter: (_LABELLED,),
    SkillAdapter: (_LABELLED,),
    SkillTool: (_LABELLED,),
}
