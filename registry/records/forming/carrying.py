"""The XML that a form was made from, carried by the form itself: packed into one hidden field, taken out again.

So a form outlives its session, and whoever saves second still has what they began from.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from registry.errors import Refusal

LARGEST = 6_000_000  # bytes of the XML, above what a record may have


class NotCarried(Refusal):
    """The hidden field holds nothing that a form of ours carries."""


def packed(xml: bytes) -> str:
    """`xml` as the value of a hidden field."""
    return base64.b64encode(zlib.compress(xml, 6)).decode()


def unpacked(value: str) -> bytes:
    """What `packed` was given. Raises NotCarried."""
    try:
        reader = zlib.decompressobj()
        xml = reader.decompress(base64.b64decode(value, validate=True), LARGEST)
        if not xml or reader.unconsumed_tail or not reader.eof:
            raise ValueError
    except (ValueError, binascii.Error, zlib.error):
        raise NotCarried("The form came without the record that it was made from: open it anew and type it again.") from None
    return xml
