"""What the table of a caller comes to: by what it is known, what it may do, what in it gives nothing or too much."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealauthz.config.callers import CallerSection
from sealauthz.config.sections import Config
from sealauthz.config.words import EVERYTHING
from sealauthz.schema import Model
from sealauthz.service import RPCS, Caller
from sealauthz.service.callers import EXPLAIN, IMPORT, SHIPPING

PERFORM = "OperationsService/Perform"
_READING = ("FactsService/ReadFacts", "FactsService/WatchChanges")
_WRITING = ("FactsService/WriteFacts", IMPORT)
_OF_OPERATORS = ("FactsService/ListImports", "FactsService/EndImport")
_ABOUT_TENANTS = frozenset(RPCS) - SHIPPING - {"OperationsService/GetKeys"}


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may do with the records of a type: the fields (None: all), and those of them that it cannot."""

    record_type: str
    fields: tuple[str, ...] | None
    without: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class CallerReport:
    """What a caller comes to. `tenants` is None for every one; `performs` lists `Type/action`."""

    name: str
    known_by: tuple[str, ...]
    rpcs: tuple[str, ...]
    tenants: tuple[str, ...] | None
    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    performs: tuple[str, ...]
    forwards_for: tuple[str, ...]
    sees_operator_reasons: bool
    share: float
    calls_per_s: float | None
    warnings: tuple[str, ...]


def report_of(config: Config, model: Model, name: str) -> CallerReport:
    """Return what a caller of the configuration comes to."""
    section = config.callers[name]
    caller = section.rights(model, name, config.server.caller_share, config.server.caller_calls_per_s)
    issuers = config.assertions.issuers.items()
    forwards = [issuer for issuer, of in issuers if of.callers == EVERYTHING or name in of.callers]
    return CallerReport(
        name=name,
        known_by=tuple(_known_by(section)),
        rpcs=tuple(rpc for rpc in RPCS if caller.may_call(rpc)),
        tenants=None if caller.tenants is None else tuple(sorted(caller.tenants)),
        reads=tuple(_access(model, caller, caller.read, is_write=False)),
        writes=tuple(_access(model, caller, caller.write, is_write=True)),
        performs=tuple(_performs(model, caller)),
        forwards_for=tuple(forwards) if caller.may_call(PERFORM) else (),
        sees_operator_reasons=caller.sees_operator_reasons,
        share=caller.share,
        calls_per_s=caller.calls_per_s,
        warnings=(*unreachable(config, section), *_warnings(model, section, caller)),
    )


def _known_by(section: CallerSection) -> Iterator[str]:
    """Yield what a caller is known by. Of a digest its beginning is enough to tell two apart."""
    file = section.token_sha256_file
    for digest in section.own_tokens:
        yield f"a bearer token whose SHA-256 begins {digest[:8]}"
    for digest in section.tokens_of_file:
        yield f"a bearer token whose SHA-256 begins {digest[:8]}, from `{file.path if file else ''}`"
    for jwt in section.jwt:
        subject = [f"the subject `{jwt.subject}`"] if jwt.subject else []
        claims = [f"the claim `{name}` = {json.dumps(value, ensure_ascii=False)}" for name, value in jwt.claims.items()]
        yield f"a JWT of `{jwt.issuer}` with {' and '.join(subject + claims)}"
    for name in section.spiffe:
        yield f"a certificate of `{name}`"


def _access(model: Model, caller: Caller, rights: Mapping[str, frozenset[str]], *, is_write: bool) -> Iterator[Access]:
    every = f"every {model.units.tenant.lower()}"
    for record_type, given in sorted(rights.items()):
        columns = [column.name for column in model.shapes[record_type].columns]
        fields = None if given >= set(columns) else tuple(name for name in columns if name in given)
        listed = [name for name in columns if name in given]
        if _is_out_of_scope(model, caller, record_type):
            yield Access(
                record_type,
                fields,
                tuple(listed),
                f"it belongs to no {model.units.tenant.lower()}: a right on {every} is needed",
            )
        elif is_write and (owned := [name for name in listed if name in _owned(model, caller, record_type)]):
            yield Access(record_type, fields, tuple(owned), f"acts change it: have them performed, or give `{IMPORT}`")
        else:
            yield Access(record_type, fields)


def _is_out_of_scope(model: Model, caller: Caller, record_type: str) -> bool:
    return caller.tenants is not None and model.units.is_of_subject(model.units.home_kind(record_type))


def _owned(model: Model, caller: Caller, record_type: str) -> frozenset[str]:
    return frozenset() if caller.may_call(IMPORT) else model.shapes[record_type].owned_by_acts


def _performs(model: Model, caller: Caller) -> Iterator[str]:
    for name, record_type in sorted(model.actions, key=lambda action: action[::-1]):
        if caller.performs is None or {name, f"{record_type}/{name}"} & caller.performs:
            yield f"{record_type}/{name}"


def unreachable(config: Config, section: CallerSection) -> Iterator[str]:
    """Yield by what it is not known though it is listed."""
    if section.spiffe and not config.server.client_ca:
        yield "`spiffe` gives nothing without `server.client_ca`: no connection shows a certificate"
    if not section.spiffe and config.server.client_ca:
        yield "it has no `spiffe`, and with `server.client_ca` each connection must show a certificate of its caller"


def _warnings(model: Model, section: CallerSection, caller: Caller) -> Iterator[str]:
    """Yield what gives nothing, and then what gives more than somebody may have meant."""
    tenant = model.units.tenant.lower()
    if not caller.rpcs:
        yield "`rpcs` is empty: it may call nothing, so that nothing else in its table counts"
        return
    if caller.tenants is not None and not caller.tenants and caller.rpcs & _ABOUT_TENANTS:
        yield f"`{tenant}s` is empty: it is answered about no {tenant}"
    yield from _lacking("performs", caller.performs is None or bool(caller.performs), (PERFORM,), caller)
    yield from _lacking("read", bool(caller.read), _READING, caller)
    yield from _lacking("write", bool(caller.write), _WRITING, caller)
    for right, rights, is_write in (("read", caller.read, False), ("write", caller.write, True)):
        for access in _access(model, caller, rights, is_write=is_write):
            if access.without:
                what = (
                    access.record_type
                    if len(access.without) > 3
                    else ", ".join(f"{access.record_type}.{field}" for field in access.without)
                )
                yield f"`{right}` of {what} gives nothing: {access.why_not}"
    decided = [f"{of}/{name}" for (name, of), action in model.actions.items() if action.effect is None]
    if caller.performs and (never := [name for name in _performs(model, caller) if name in decided]):
        yield f"`performs` of {_listed(never)} gives nothing: it is only decided and changes nothing"
    if any(not jwt.subject for jwt in section.jwt):
        yield "a JWT without a `subject`: all to whom the issuer gives such claims are this caller too"
    if caller.may_call(IMPORT) and caller.write:
        yield f"`{IMPORT}` lets it write what acts own, around their rules, in all that `write` lists"
    if operators := [rpc for rpc in _OF_OPERATORS if caller.may_call(rpc)]:
        yield f"{_listed(operators)}: meant for operators, about the imports of every caller"
    if caller.may_call(EXPLAIN):
        yield f"`{EXPLAIN}` tells what the rules compared, whatever `read` lists"
    if section.rpcs == EVERYTHING:
        yield '`rpcs = "*"` will hold the RPCs of later versions too'
    if section.performs == EVERYTHING:
        yield '`performs = "*"` holds every act, those of later versions too'
    for right, rights_given in (("read", section.read), ("write", section.write)):
        if stars := sorted(record_type for record_type, fields in rights_given.items() if fields == EVERYTHING):
            yield f'`{right}` of {_listed(stars)} is "*", which will hold the fields of later versions too'


def _lacking(right: str, has_right: bool, rpcs: Iterable[str], caller: Caller) -> Iterator[str]:
    has_rpc = any(caller.may_call(rpc) for rpc in rpcs)
    if has_right and not has_rpc:
        yield f"`{right}` gives nothing without the RPC {' or '.join(f'`{rpc}`' for rpc in rpcs)}"
    elif has_rpc and not has_right:
        given = [rpc for rpc in rpcs if caller.may_call(rpc)]
        yield f"{_listed(given)} gives nothing while `{right}` is empty"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
