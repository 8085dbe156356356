"""The typed model of the whole language, one module for each chapter of the specification.

Models are frozen. They are built by ``naftiko.document.build`` from YAML nodes, after the dialects are
brought to one canonical form (SEMANTICS 1.3), so every list of named things is a tuple of models here,
whatever the file has. Attributes are the spec's keys in snake case; ``Model.at(key)`` is a key's value's place.
"""

from naftiko.document.model.adapter import AdapterModel, UnknownAdapter
from naftiko.document.model.aggregates import Aggregate, AggregateFunction, Semantics
from naftiko.document.model.authentication import (
    AUTHENTICATIONS,
    Acquire,
    AnyAuthentication,
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
    UnknownAuthentication,
)
from naftiko.document.model.base import Import, Model
from naftiko.document.model.binds import Bind
from naftiko.document.model.caching import HttpCache
from naftiko.document.model.capability import (
    CapabilityDocument,
    Info,
    Person,
    UnknownConsumes,
)
from naftiko.document.model.certificates import CertificateAuthentication
from naftiko.document.model.consumes import (
    RAW_FORMATS,
    ConsumedOperation,
    ConsumedResource,
    ConsumesHttp,
    ConsumesWebSocket,
    MultipartPart,
    RequestBody,
    Tunnel,
)
from naftiko.document.model.control import (
    ControlAdapter,
    ControlLogs,
    ControlManagement,
    Observability,
    ScriptingManagement,
)
from naftiko.document.model.hmac_signatures import HmacAuthentication
from naftiko.document.model.limits import CallerLimits
from naftiko.document.model.mcp import (
    McpAdapter,
    McpPrompt,
    McpResource,
    McpTool,
    PromptArgument,
    PromptMessage,
    ToolHints,
)
from naftiko.document.model.pagination import PageBounds, PageRequest, PageResponse, Pagination
from naftiko.document.model.parameters import InputParameter, OutputParameter
from naftiko.document.model.resilience import (
    Bulkhead,
    Cache,
    CircuitBreaker,
    Fallback,
    PolicyModel,
    RateLimiter,
    Resilience,
    Retry,
    RetryBudget,
    TimeLimiter,
)
from naftiko.document.model.rest import (
    BinaryResponse,
    ExposedOperation,
    ExposedResource,
    Forward,
    RestAdapter,
)
from naftiko.document.model.several import SeveralAuthentication
from naftiko.document.model.signatures import AwsAuthentication, OAuth1Authentication
from naftiko.document.model.skill import ExposedSkill, SkillAdapter, SkillTool, SkillToolSource
from naftiko.document.model.steps import STEPS, CallStep, LookupStep, Mapping, ScriptStep, Step, UnknownStep
from naftiko.document.model.streams import Collect
from naftiko.document.model.tokens import CustomTokenAuthentication

__all__ = [
    "AUTHENTICATIONS",
    "RAW_FORMATS",
    "STEPS",
    "Acquire",
    "AdapterModel",
    "Aggregate",
    "AggregateFunction",
    "AnyAuthentication",
    "ApiKeyAuthentication",
    "Authentication",
    "AwsAuthentication",
    "BasicAuthentication",
    "BearerAuthentication",
    "BinaryResponse",
    "Bind",
    "Bulkhead",
    "Cache",
    "CallStep",
    "CallerLimits",
    "CapabilityDocument",
    "CertificateAuthentication",
    "CircuitBreaker",
    "Collect",
    "ConsumedOperation",
    "ConsumedResource",
    "ConsumesHttp",
    "ConsumesWebSocket",
    "ControlAdapter",
    "ControlLogs",
    "ControlManagement",
    "CustomTokenAuthentication",
    "DigestAuthentication",
    "ExposedOperation",
    "ExposedResource",
    "ExposedSkill",
    "Fallback",
    "Forward",
    "HmacAuthentication",
    "HttpCache",
    "Import",
    "Info",
    "InputParameter",
    "LookupStep",
    "Mapping",
    "McpAdapter",
    "McpPrompt",
    "McpResource",
    "McpTool",
    "Model",
    "MultipartPart",
    "OAuth1Authentication",
    "OAuth2Authentication",
    "Observability",
    "OutputParameter",
    "PageBounds",
    "PageRequest",
    "PageResponse",
    "Pagination",
    "Person",
    "PolicyModel",
    "PromptArgument",
    "PromptMessage",
    "RateLimiter",
    "RequestBody",
    "Resilience",
    "RestAdapter",
    "Retry",
    "RetryBudget",
    "ScriptStep",
    "ScriptingManagement",
    "Semantics",
    "SeveralAuthentication",
    "SkillAdapter",
    "SkillTool",
    "SkillToolSource",
    "Step",
    "TimeLimiter",
    "ToolHints",
    "Tunnel",
    "UnknownAdapter",
    "UnknownAuthentication",
    "UnknownConsumes",
    "UnknownStep",
]
