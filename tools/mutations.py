"""Makes inputs that nobody meant to send: of the bytes of a message, of its fields, of a text, of HTTP/2 frames."""

from __future__ import annotations

import random
import struct
from typing import Any

from google.protobuf.message import DecodeError, Message

NASTY_BYTES = (
    *(b"", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\x7f" * 10, b"\xff" * 10),
    *(b"\x0a\xff\xff\xff\xff\x0f", b"\x0b" * 120, b"\x0c", b"\x80" * 11, b"\xf8\xff\xff\xff\x0f"),
)
NASTY_TEXTS = (
    "",
    " ",
    "\0",
    "\n",
    "é",
    "\u202e",
    "\ufeff",
    "a" * 300,
    "../..",
    "'; --",
    "*",
    "nil",
    "Person:x",
    "🙂" * 70,
)
NASTY_NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1, 10**12)
NASTY_WORDS = (
    *("nil", "not", "or", "and", "if", "in", "matches", "cut", "forall", "new", "print", "{", "}", "[", "(", ")", ";"),
    *(",", ":", ".", "=", "==", "!=", "*", "|", "_", '"', '"x"', "1", "-1", "1e400", "9" * 400, "#", "#@", "\\", "\0"),
    *("é", "\u2028", "allow", "unmet", "requires", "(" * 60, "not " * 60),
)

_PADDED, _MOST_FRAME = 8, 2_000
_LONG, _MOST_BLOCK = 127, 16_384


def mangled(random: random.Random, seed: bytes, other: bytes) -> bytes:
    """Return bytes that were a message once."""
    found = bytearray(seed)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        at = random.randrange(len(found) + 1)
        to = min(at + random.choice((1, 1, 2, 8, 64)), len(found))
        match random.randrange(7):
            case 0 if at < len(found):
                found[at] ^= 1 << random.randrange(8)
            case 1 if at < len(found):
                found[at] = random.randrange(256)
            case 2:
                found[at:at] = random.choice(NASTY_BYTES)
            case 3:
                del found[at:to]
            case 4:
                found[at:at] = found[at:to] * random.choice((1, 1, 30))
            case 5:
                found[at:] = other[random.randrange(len(other) + 1) :]
            case _:
                found[at:to] = random.randbytes(to - at)
    return bytes(found[:65_536])


def twisted(random: random.Random, seed: bytes, kind: type[Message]) -> bytes:
    """Return a message of the type, some of whose fields hold what they should not."""
    message = kind()
    try:
        message.ParseFromString(seed)
    except DecodeError:
        return seed
    for _ in range(random.choice((1, 1, 2, 4))):
        _twist(random, message)
    try:
        return message.SerializeToString()
    except (ValueError, UnicodeEncodeError):
        return seed


def _twist(random: random.Random, message: Any) -> None:
    field = random.choice(list(message.DESCRIPTOR.fields) or [None])
    if field is None:
        return
    held = getattr(message, field.name)
    try:
        if field.is_repeated:
            _twist_many(random, message, field, held)
        elif field.message_type is not None:
            held.SetInParent()
            _twist(random, held)
        else:
            setattr(message, field.name, _value(random, field))
    except (ValueError, TypeError):  # out of the range of the field
        message.ClearField(field.name)


def _twist_many(random: random.Random, message: Any, field: Any, held: Any) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        value = kind.fields_by_name["value"]
        key = random.choice(list(held) or [random.choice(NASTY_TEXTS)])
        if value.message_type is not None:
            _twist(random, held[key])
        else:
            held[key] = _value(random, value)
    elif random.randrange(4) == 0:
        message.ClearField(field.name)
    elif kind is None:
        held.append(_value(random, field))
    elif held and random.randrange(2):
        _twist(random, held[random.randrange(len(held))])
    else:
        added = held.add()
        if len(held) > 1 and random.randrange(2):
            added.CopyFrom(held[0])
        _twist(random, added)


def _value(random: random.Random, field: Any) -> Any:
    match field.cpp_type:
        case field.CPPTYPE_STRING:
            is_text = field.type == field.TYPE_STRING
            return random.choice(NASTY_TEXTS) if is_text else random.choice(NASTY_BYTES)
        case field.CPPTYPE_BOOL:
            return bool(random.randrange(2))
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return random.choice((0.0, -0.0, 1e300, float("inf"), float("nan")))
        case _:
            return random.choice(NASTY_NUMBERS)


def misspelt(random: random.Random, seed: str, other: str) -> str:
    """Return a piece of a text, with mistakes."""
    at = random.randrange(len(seed))
    found = seed[at : at + random.choice((80, 300, 1_000))] if random.randrange(3) else seed[:at][-400:]
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(found) + 1)
        to = min(at + random.choice((1, 3, 20)), len(found))
        match random.randrange(5):
            case 0:
                found = found[:at] + random.choice(NASTY_WORDS) + found[at:]
            case 1:
                found = found[:at] + found[to:]
            case 2:
                found = found[:at] + random.choice(NASTY_WORDS) + found[to:]
            case 3:
                begin = random.randrange(len(other))
                found = found[:at] + other[begin : begin + 40] + found[at:]
            case _:
                found = found[:to] + found[at:to] + found[to:]
    return found[:4_000]


def frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    """Return an HTTP/2 frame; `length` is what it says instead of how long it is."""
    said = len(payload) if length is None else length
    return struct.pack(">I", said)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def hostile_frame(random: random.Random, call: bytes, stream: int) -> bytes:
    """Return a frame that should not come; `call` is a well-formed call on the stream."""
    match random.randrange(9):
        case 0:
            return call + frame(
                3, 0, stream, struct.pack(">I", random.choice((0, 7, 8, 2**32 - 1)))
            )  # opened and reset
        case 1:
            return mangled(random, call, call)
        case 2:
            settings = struct.pack(
                ">HI", random.choice((1, 2, 3, 4, 5, 6, 9, 65_535)), random.choice((0, 1, 2**31, 2**32 - 1))
            )
            return frame(4, random.choice((0, 0, 1)), random.choice((0, stream)), settings * random.choice((1, 20)))
        case 3:
            return frame(
                8, 0, random.choice((0, stream)), struct.pack(">I", random.choice((0, 1, 2**31 - 1, 2**32 - 1)))
            )
        case 4:
            return frame(9, random.choice((0, 4)), stream, random.randbytes(random.randrange(60)))  # continues nothing
        case 5:
            return frame(1, 4 | random.choice((0, 1, _PADDED, 32)), stream, random.randbytes(random.randrange(200)))
        case 6:
            return frame(0, random.choice((0, 1, _PADDED)), stream, random.randbytes(random.randrange(_MOST_FRAME)))
        case 7:
            payload = random.randbytes(random.randrange(30))
            return frame(random.choice((6, 7, 2, 5)), random.randrange(256), random.choice((0, stream)), payload)
        case _:
            payload = random.randbytes(random.randrange(64))
            said = random.choice((None, None, 0, 2**24 - 1))
            return frame(random.randrange(256), random.randrange(256), random.getrandbits(32), payload, said)


_NAMES = (b"authorization", b"te", b"content-type", b"grpc-timeout", b"grpc-encoding", b"traceparent", b"x-request-id")
_VALUES = (b"Bearer ", b"trailers", b"application/grpc", b"1S", b"gzip", b"identity", b"00-")


def hostile_headers(random: random.Random, stream: int, path: bytes) -> bytes:
    """Return a frame that begins a call with headers of which one or more should not come."""
    said = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost")]
    said += [(b"te", b"trailers"), (b"content-type", b"application/grpc")]
    for _ in range(random.randrange(1, 5)):
        odd = random.randbytes(random.randrange(1, random.choice((8, 60, 4_000))))
        name, value = random.choice(_NAMES), random.choice(_VALUES)
        match random.randrange(8):
            case 0:
                said.append((name, odd))
            case 1:
                said.append((odd, value))
            case 2:
                said.append((name, value + odd))
            case 3:
                said.append((name + b"-bin", odd))
            case 4:
                said[random.randrange(len(said))] = (random.choice(said)[0], odd)
            case 5:
                del said[random.randrange(len(said))]
            case 6:
                said.insert(random.randrange(len(said) + 1), random.choice([*said, (name, value)]))
            case _:
                said += [(name, value)] * random.randrange(200)
    block = b"".join(b"\0" + _literal(name) + _literal(value) for name, value in said)
    return frame(1, 4 | random.choice((0, 1)), stream, block[:_MOST_BLOCK])


def _literal(text: bytes) -> bytes:
    """Write a text as HPACK does that compresses nothing."""
    if len(text) < _LONG:
        return bytes((len(text),)) + text
    rest, length = len(text) - _LONG, bytearray((_LONG,))
    while rest >= _LONG + 1:
        length.append(rest % (_LONG + 1) + _LONG + 1)
        rest //= _LONG + 1
    return bytes((*length, rest)) + text
