"""A few forms of DER (ITU-T X.690), of which a certificate is put together.

Knows tags and lengths; what stands in a certificate is for others to know.
"""

from __future__ import annotations

from datetime import datetime

__all__ = [
    "bit_string",
    "explicit",
    "extension",
    "implicit",
    "inside",
    "instant",
    "integer",
    "octet_string",
    "sequence",
    "set_of",
    "utf8_string",
]

_INTEGER, _BIT_STRING, _OCTET_STRING, _UTF8_STRING = 0x02, 0x03, 0x04, 0x0C
_UTC_TIME, _GENERALIZED_TIME, _SEQUENCE, _SET = 0x17, 0x18, 0x30, 0x31
_IMPLICIT, _EXPLICIT = 0x80, 0xA0  # context-specific; primitive, and constructed
_TRUE = b"\x01\x01\xff"
_CERTIFICATE_EXTENSION = bytes.fromhex("0603551d")  # 2.5.29 and one number below 128: RFC 5280, section 4.2


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of parts that are DER already."""
    return _tagged(_SEQUENCE, b"".join(parts))


def set_of(part: bytes) -> bytes:
    """Return a SET OF one part that is DER already."""
    return _tagged(_SET, part)


def explicit(number: int, content: bytes) -> bytes:
    """Return what is DER already under an explicit tag, ``[number]``."""
    return _tagged(_EXPLICIT | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """Return the content of a primitive value under an implicit tag, ``[number]``."""
    return _tagged(_IMPLICIT | number, content)


def integer(value: int) -> bytes:
    """Return an INTEGER, of a number that is not negative."""
    return _tagged(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bit_string(content: bytes) -> bytes:
    """Return a BIT STRING of whole bytes."""
    return _tagged(_BIT_STRING, b"\0" + content)


def octet_string(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return _tagged(_OCTET_STRING, content)


def utf8_string(content: bytes) -> bytes:
    """Return a UTF8String of what is UTF-8 already."""
    return _tagged(_UTF8_STRING, content)


def instant(time: datetime) -> bytes:
    """Return a time as certificates have it, to the second: UTCTime through 2049 (RFC 5280, section 4.1.2.5).

    :param time: UTC, of the years 1950 to 9999.
    """
    if time.year < 2050:
        return _tagged(_UTC_TIME, f"{time:%y%m%d%H%M%SZ}".encode("ascii"))
    return _tagged(_GENERALIZED_TIME, f"{time:%Y%m%d%H%M%SZ}".encode("ascii"))


def extension(number: int, value: bytes, *, critical: bool) -> bytes:
    """Return an extension of a certificate, whose value is DER already.

    :param number: stands below 2.5.29, as those of RFC 5280 do.
    """
    identifier = _CERTIFICATE_EXTENSION + bytes((number,))
    return sequence(identifier, _TRUE, octet_string(value)) if critical else sequence(identifier, octet_string(value))


def inside(value: bytes, start: int = 0) -> int:
    """Return where the content begins of the DER value that begins at *start*."""
    first = value[start + 1]
    return start + 2 + (first & 0x7F if first & 0x80 else 0)


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
