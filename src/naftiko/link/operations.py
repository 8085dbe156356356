"""Compile the consumed operations: what a request to each is made of (SEMANTICS 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import RAW_FORMATS, ConsumedOperation, ConsumedResource, ConsumesHttp, InputParameter
from naftiko.document.suggest import did_you_mean
from naftiko.expression.path import (
    PathTemplate,
    all_placeholders,
    has_loose_brace,
    inputs_of_path,
    parse_path,
    placeholders,
    resource_names,
    same_placeholder,
)
from naftiko.expression.references import Defaulted, Names, compile_data
from naftiko.expression.styles import style_of
from naftiko.expression.template import TemplateError, Value, has_placeholder, parse
from naftiko.ground.types import ABSENT
from naftiko.link.lost_path import CompletePath, PathParameters, PathPlaces
from naftiko.link.outputs import consumed_outputs
from naftiko.link.paging import compile_pages, declared_pages
from naftiko.link.redaction import consumed_redaction
from naftiko.link.streams import compile_stream
from naftiko.link.websockets import check_protocol, is_websocket, with_socket
from naftiko.plan.body import BodyTemplate, compile_body
from naftiko.plan.body_place import place_in_body
from naftiko.plan.operation import FORBIDDEN_HEADERS, LOCATIONS, Operation
from naftiko.plan.parameter import Parameter
from naftiko.plan.schema import told_schema
from naftiko.plan.slots import Slots
from naftiko.plan.streams import WEBSOCKET, Streaming

_CARRIERS = frozenset({"header", "cookie", "query"})
"""Where a secret travels, so that a bind's name is a bind and no text."""


_UNDESCRIBED_BODY = Parameter(
    name="body",
    location="body",
    type="object",
    description="Request body (JSON).",
    required=False,
    fixed=None,
    schema={"type": "object"},
    argument="body",
)
"""What a block such as ``body: {type: json}`` asks for: some body."""


class OperationCompiler:
    """Compiles the operations of one consumes entry."""

    def __init__(
        self,
        consumes: ConsumesHttp,
        names: Names,
        findings: Findings,
        places: PathPlaces | None = None,
        base_uri: str | None = None,
        api: str | None = None,
        websockets: Sequence[str] = (),
    ) -> None:
        self._consumes = consumes
        self._websockets = websockets
        self._api = (consumes.namespace or "") if api is None else api
        self._names = names
        self._findings = findings
        self._places = places or PathPlaces(consumes)
        self._resource_names = resource_names(
            consumes.base_uri or base_uri
        )  # a stand-in of the operator's has them too

    def shared(self) -> tuple[tuple[Parameter, ...], str]:
        """Return the parameters of the consumes entry itself, which a forwarded request carries too.

        And why they can't be sent, or ``""``.
        """
        declared = self._merged(ConsumedResource(), ConsumedOperation())
        names = self._fresh_names({parameter.name for parameter in declared})
        fixed = [self._with_fixed(parameter, names) for parameter in declared]
        return tuple(one for one in fixed if not isinstance(one.fixed, _Unparsed)), _broken(fixed)

    def compile(self, resource: ConsumedResource, operation: ConsumedOperation) -> Operation:
        """Compile one operation.

        Raises:
            TemplateError: a template in it is broken.
        """
        lacking = self._places.of(resource, operation)
        key = f"{self._consumes.namespace or ''}.{operation.name}"
        is_socket = is_websocket(
            self._consumes, operation, is_given=any(fnmatchcase(key, each) for each in self._websockets)
        )
        streamed = compile_stream(operation, self._findings, WEBSOCKET if is_socket else "")
        made = self._compile(resource, operation, lacking)
        if lacking.lost:
            self._tell_lost(made, lacking)
        made = replace(made, blocked=made.blocked or check_protocol(self._consumes, operation, self._findings))
        if lacking.others:
            fuller = self._compile(resource, operation, lacking.with_others())
            made = replace(made, fuller=self._answering(fuller, streamed, resource, operation))
        return self._answering(made, streamed, resource, operation)

    def _answering(
        self,
        made: Operation,
        streamed: tuple[Streaming | None, str],
        resource: ConsumedResource,
        operation: ConsumedOperation,
    ) -> Operation:
        """Return an operation that knows what its answer is: a stream, a list in pages, or a document."""
        redact, cannot = consumed_redaction(operation, self._findings)
        made = replace(made, redact=redact, blocked=made.blocked or cannot)
        stream, why = streamed
        if stream is None and not why:
            return self._paged(made, resource, operation)
        # What is read of all of it at once is the list of its items.
        made = replace(made, stream=stream, raw_format=RAW_FORMATS[0], blocked=made.blocked or why)
        return with_socket(made, stream, operation) if stream is not None and stream.format == WEBSOCKET else made

    def _paged(self, made: Operation, resource: ConsumedResource, operation: ConsumedOperation) -> Operation:
        """Return an operation with the pages of its list; what they ask of it itself, nobody else has to give."""
        model, level = declared_pages(self._consumes, resource, operation)
        if model is None:
            return made
        pager, why = compile_pages(model, level, made, self._findings)
        if pager is None:
            return replace(made, blocked=made.blocked or why)
        return replace(
            made,
            pager=pager,
            parameters=tuple(
                replace(one, required=False) if (one.location, one.name) in pager.hidden else one
                for one in made.parameters
            ),
            slots=tuple(
                replace(one, required=False) if (one.location, one.name) in pager.hidden else one for one in made.slots
            ),
        )

    def _compile(self, resource: ConsumedResource, operation: ConsumedOperation, lacking: PathParameters) -> Operation:
        namespace = self._consumes.namespace or ""
        method = (operation.method or "GET").upper()
        complete = lacking.complete(method)
        absent = lacking.hidden | {given.name for given in lacking.others}
        merged = self._merged(resource, operation)
        declared = [parameter for parameter in merged if parameter.location != "path" or parameter.name not in absent]
        in_path = tuple(parameter.name for parameter in declared if parameter.location == "path")
        names = self._fresh_names({parameter.name for parameter in declared})
        renamed = {
            name: same_placeholder(name, in_path) or name for name in all_placeholders(complete.text)
        }  # `{riskDetection-id}` is the parameter `riskDetectionId` declared in the path
        renamed |= complete.names
        declared = [self._with_fixed(parameter, names) for parameter in declared]
        # A placeholder in the path's own query is the query parameter of its name.
        of_path = (*(renamed[name] for name in placeholders(complete.text)), *complete.names.values())
        declared = _with_arguments(declared, of_path)
        path = self._path(complete, renamed, declared, names)
        body, blocked = self._body(operation, _in_body(declared, names))
        if operation.body is not None and body is None and not any(one.location == "body" for one in declared):
            declared.append(_UNDESCRIBED_BODY)
        in_body = place_in_body(declared, body)
        slots = Slots(declared, in_body).collect(path, body, names)
        in_path_query = self._in_path_query(declared, path)
        found = (self._unsendable(path, resource, operation), self._undecodable(operation))
        reasons = (complete.blocked, blocked, _broken(declared), *found)
        return Operation(
            api=self._api,
            key=f"{namespace}.{operation.name}",
            name=operation.name or "",
            method=method,
            path=path,
            parameters=tuple(parameter for parameter in declared if parameter not in in_path_query),
            path_query=tuple(parameter for parameter in in_path_query if parameter.required),
            slots=slots,
            description=operation.description,
            body=body,
            in_body=in_body,
            takes_body=method in {"POST", "PUT", "PATCH"} and body is None and in_body.is_empty,
            variables=tuple(names.variables),
            free_names=tuple(names.free),
            raw_format=(operation.output_raw_format or "json").lower(),
            output_schema=operation.output_schema,
            output_media_type=operation.output_media_type,
            max_binary_size=operation.max_binary_size,
            outputs=consumed_outputs(operation.output_parameters, self._findings),
            position=self._findings.position(operation.node),
            blocked=next(filter(None, reasons), ""),
            appended=tuple(complete.names.values()),
        )

    def _path(
        self, complete: CompletePath, renamed: Mapping[str, str], declared: Sequence[Parameter], names: Names
    ) -> PathTemplate:
        """Compile the path; ``renamed`` says which parameter each of its placeholders is."""
        in_path_now = {one.name: one for one in declared if one.location == "path"}
        in_url = replace(names, one_line=True, inputs=names.inputs | inputs_of_path(complete.text, names.variable))
        path = parse_path(
            complete.text,
            lambda name: _in_path(renamed.get(name, name), in_path_now, in_url),
            resource_names=self._resource_names,
        )
        styles = {name: one.style for name, one in in_path_now.items() if one.style is not None}
        return path.styled({name: styles[own] for name, own in renamed.items() if own in styles})

    def _tell_lost(self, made: Operation, lacking: PathParameters) -> None:
        here = self._findings.at(lacking.lost[0].at("name"))
        if made.blocked:
            here.error("lost-path-parameter", made.blocked, hint=lacking.complete(made.method).hint)
        else:
            here.warning(
                "lost-path-parameter",
                f"the path `{lacking.path}` has no placeholder for {lacking.names}, declared `in: path`; what is sent "
                f"is {made.method} {made.path.text}",
                hint=f"write `{made.path.text}`",
            )

    def _unsendable(self, path: PathTemplate, resource: ConsumedResource, operation: ConsumedOperation) -> str:
        """Return, and tell, why no request can be made of a path."""
        here = self._findings.at(resource.at("path") if operation.path is None else operation.at("path"))
        reason = ""
        if path.climbs:
            reason = f"its path `{path.text}` holds a `.` or `..` segment"
            here.error("dot-segment", reason, hint="write the path that is meant")
        elif has_loose_brace(path.text):
            reason = f"its path `{path.text}` holds a brace without its pair"
            here.error("broken-template", reason, hint="a placeholder is written `{name}`")
        return reason

    def _undecodable(self, operation: ConsumedOperation) -> str:
        """Return, and tell, why no answer can be read."""
        written = operation.output_raw_format or RAW_FORMATS[0]
        if written.lower() in RAW_FORMATS:
            return ""
        reason = f"its `outputRawFormat: {written}` is not known"
        hint = did_you_mean(written.lower(), RAW_FORMATS) or f"known: {', '.join(RAW_FORMATS)}"
        self._findings.at(operation.at("outputRawFormat")).error("unknown-format", reason, hint=hint)
        return reason

    def _body(self, operation: ConsumedOperation, names: Names) -> tuple[BodyTemplate | None, str]:
        """Compile the body; return it, and why it can't be sent."""
        if operation.body is None:
            return None, ""
        try:
            return compile_body(operation.body, names), ""
        except TemplateError as error:
            self._findings.at(operation.at("body")).error("broken-template", f"the body: {error}")
            return None, "its body is a broken template"

    def _fresh_names(self, declared: set[str]) -> Names:
        return Names(
            prefixes=self._names.prefixes, binds=self._names.binds, inputs=frozenset(declared), open_inputs=True
        )

    def _merged(self, resource: ConsumedResource, operation: ConsumedOperation) -> list[Parameter]:
        """Merge the parameters of consumes, resource and operation; the inner one wins (SEMANTICS 4.2)."""
        merged: dict[tuple[str, str], Parameter] = {}
        for name, value in self._consumes.headers.items():
            constant = InputParameter(name=name, location="header", value=value)
            merged["header", name.lower()] = self._parameter(constant)
        for level in (self._consumes.input_parameters, resource.input_parameters, operation.input_parameters):
            for given in level:
                if given.name is not None and not self._is_forbidden(given):
                    parameter = self._parameter(given)
                    name = parameter.name.lower() if parameter.location == "header" else parameter.name
                    merged[parameter.location, name] = parameter
        return list(merged.values())

    def _is_forbidden(self, given: InputParameter) -> bool:
        """Tell, and report, a header that the connection sets itself (RFC 9110 chapter 7.6.1)."""
        if given.location != "header" or (given.name or "").lower() not in FORBIDDEN_HEADERS:
            return False
        self._findings.at(given.node).warning(
            "forbidden-header", f"the header `{given.name}` is set by the connection; the parameter is not sent"
        )
        return True

    def _parameter(self, given: InputParameter) -> Parameter:
        location = (given.location or "query").lower()
        if location not in LOCATIONS:
            self._findings.at(given.at("in")).warning(
                "unknown-location",
                f"`in: {given.location}` is not known; `{given.name}` is sent in the query",
                hint=f"use {', '.join(sorted(LOCATIONS))}",
            )
            location = "query"
        fixed = next((value for value in _values(given) if value is not None), None)
        kind = given.type if given.type is not None or location == "body" else "string"
        schema = told_schema(given if given.type == kind else given.model_copy(update={"type": kind}), self._findings)
        return Parameter(
            name=given.name or "",
            location=location,
            type=kind,
            description=given.description,
            required=bool(given.required) or location == "path",
            fixed=None if fixed is None else _Unparsed(fixed, given),
            schema=schema,
            style=style_of(given, location, self._findings),
            fallback=given.default if given.default is not None and (given.required or location == "path") else ABSENT,
        )

    def _with_fixed(self, parameter: Parameter, names: Names) -> Parameter:
        if not isinstance(parameter.fixed, _Unparsed):
            return parameter
        inside = names.for_fixed_value(parameter.name, one_line=parameter.location != "body")
        try:
            fixed = parameter.fixed.value
            if not isinstance(fixed, str):
                return replace(parameter, fixed=compile_data(fixed, inside))
            template = parse(self._bare_bind(parameter, fixed, inside), inside.resolve)
        except TemplateError as error:
            where = parameter.fixed.given
            self._findings.at(where.at("value")).error("broken-template", f"`{parameter.name}`: {error}")
            return parameter
        return replace(parameter, fixed=template.lone.value if template.lone else template)

    def _bare_bind(self, parameter: Parameter, text: str, names: Names) -> str:
        """Return a fixed value; one that is a bind's name is meant as that, as in a credential (SEMANTICS 2)."""
        bare = text.strip()
        if parameter.location not in _CARRIERS or has_placeholder(text) or not names.variable(bare):
            return text
        if isinstance(parameter.fixed, _Unparsed):
            self._findings.at(parameter.fixed.given.at("value")).warning(
                "bare-bind",
                f"`{bare}` is the name of a bind; its value is used",
                hint=f'write `value: "{{{{{bare}}}}}"`',
            )
        return f"{{{{{bare}}}}}"

    @staticmethod
    def _in_path_query(declared: list[Parameter], path: PathTemplate) -> list[Parameter]:
        """Return what the path's own query sends already."""
        in_query = {pair.name for pair in path.query if pair.holds_placeholder}
        return [parameter for parameter in declared if parameter.location == "query" and parameter.name in in_query]


def _with_arguments(declared: list[Parameter], in_path: tuple[str, ...]) -> list[Parameter]:
    """Name the arguments: the same name in two places is two values (SEMANTICS 4.3), the path's has the name itself."""
    places = dict.fromkeys(in_path, "path")
    for parameter in declared:
        if parameter.asked:
            places.setdefault(parameter.name, parameter.location)
    second = [one for one in declared if places.get(one.name, one.location) != one.location]
    argued = [(one, f"{one.name} in {one.location}" if one in second else one.name) for one in declared]
    return [one if one.argument == argument else replace(one, argument=argument) for one, argument in argued]


def _in_body(declared: list[Parameter], names: Names) -> Names:
    """Return what names mean in a body block: a parameter of the body is meant before one of its name elsewhere."""
    renamed = {one.name: one.argument for one in declared if one.location == "body" and one.argument != one.name}
    return replace(names, renamed=renamed) if renamed else names


def _in_path(name: str, declared: Mapping[str, Parameter], names: Names) -> Value:
    """Return what a placeholder of the path stands for: the value that the file fixes, or what its name means."""
    parameter = declared.get(name)
    if parameter is None:
        return names.resolve(name)
    if parameter.fixed is not None:
        return parameter.fixed
    value = names.resolve(name)
    return value if parameter.fallback is ABSENT else Defaulted(value, parameter.fallback)


def _values(given: InputParameter) -> tuple[Any, ...]:
    """Return what may fix a parameter's value, the first that there is does: text or a structure of templates."""
    return given.value, given.structure, given.template, given.const


@dataclass(frozen=True, slots=True)
class _Unparsed:
    """A fixed value before its template is parsed."""

    value: Any
    given: InputParameter

    def __call__(self, scope: object) -> Any:
        raise NotImplementedError


def _broken(parameters: Sequence[Parameter]) -> str:
    """Return why parameters can't be sent: one's value is a broken template, which is told where it stands."""
    names = [parameter.name for parameter in parameters if isinstance(parameter.fixed, _Unparsed)]
    return f"the value of its parameter `{names[0]}` is a broken template" if names else ""
