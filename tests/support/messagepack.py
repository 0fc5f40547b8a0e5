"""MessagePack as its specification has it, as far as hashes need it: written without the library the product uses.

Source: the MessagePack specification (2013), https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

Element = str | bytes | int | None


def encode(elements: Sequence[Element]) -> bytes:
    """An array of at most 15 elements, each in its shortest form."""
    assert len(elements) <= 15
    return bytes([0x90 | len(elements)]) + b"".join(_element(element) for element in elements)


def _element(element: Element) -> bytes:
    if element is None:
        return b"\xc0"
    if isinstance(element, int):
        return _integer(element)
    if isinstance(element, bytes):
        return _header(len(element), {8: 0xC4, 16: 0xC5, 32: 0xC6}) + element
    text = element.encode()
    short = bytes([0xA0 | len(text)]) if len(text) <= 31 else None
    return (short or _header(len(text), {8: 0xD9, 16: 0xDA, 32: 0xDB})) + text


def _header(length: int, tags: dict[int, int]) -> bytes:
    bits = 8 if length < 2**8 else 16 if length < 2**16 else 32
    return bytes([tags[bits]]) + length.to_bytes(bits // 8, "big")


def _integer(number: int) -> bytes:
    if -32 <= number <= 127:
        return struct.pack("b", number)
    first_tag = 0xCC if number > 0 else 0xD0
    bits = number.bit_length() if number > 0 else (-number - 1).bit_length() + 1
    power = next(power for power in range(4) if bits <= 8 << power)
    return bytes([first_tag + power]) + number.to_bytes(1 << power, "big", signed=number < 0)
