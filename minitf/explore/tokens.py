"""Short tokens for schedules: ``mt1-`` and base 32, the same on every machine and under every version of Python.

A schedule is the list of choices (places among what was ready) of an execution, as far as there was a choice. Most of them are
0, program order, so a token holds the others: how many zeros come before, and which choice. A checksum finds typing errors; two
bytes of a hash of what was done tell a token that belongs to another program.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from zlib import crc32

from minitf.explore.errors import TokenError

PREFIX = "mt1-"
UNKNOWN = 0  # in place of a program's hash


def encode(choices: Sequence[int], program: int = UNKNOWN) -> str:
    """The token of a schedule. ``program``: a hash of what the execution did, of which 16 bits are kept."""
    body = bytearray((program & 0xFFFF).to_bytes(2, "big"))
    zeros = 0
    for choice in choices:
        if choice:
            body += _varint(zeros) + _varint(choice)
            zeros = 0
        else:
            zeros += 1
    body += _checksum(body)
    return PREFIX + base64.b32encode(body).decode("ascii").rstrip("=").lower()


def decode(token: str) -> tuple[list[int], int]:
    """The choices (program order follows) and the program's hash. Raises TokenError."""
    text = token.strip().lower()
    if not text.startswith(PREFIX):
        raise TokenError(f"{token!r} is no schedule: a token begins with {PREFIX!r}. Copy it whole from the failure's report.")
    text = text[len(PREFIX) :].upper()
    try:
        whole = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        whole = b""
    body, check = whole[:-2], whole[-2:]
    if len(whole) < 4 or _checksum(body) != check:
        raise TokenError(f"{token!r} is damaged: its checksum is wrong. Copy it whole from the failure's report.")
    choices: list[int] = []
    numbers = _numbers(body[2:], token)
    for zeros, choice in zip(numbers[::2], numbers[1::2], strict=False):
        choices += [0] * zeros + [choice]
    return choices, int.from_bytes(body[:2], "big")


def _checksum(body: bytes | bytearray) -> bytes:
    return (crc32(body) & 0xFFFF).to_bytes(2, "big")


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _numbers(body: bytes, token: str) -> list[int]:
    out, n, shift = [], 0, 0
    for byte in body:
        n |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            out.append(n)
            n, shift = 0, 0
    if shift or len(out) % 2:
        raise TokenError(f"{token!r} is damaged: it ends in the middle of a number.")
    return out
