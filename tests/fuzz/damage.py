"""Valid input, damaged in a few places: cut, doubled, overwritten, and filled with what parsers stumble over."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from trainer.errors import BerthError

at_length = settings(
    deadline=None,
    max_examples=int(os.environ.get("BERTH_FUZZ_EXAMPLES", "15")),
    database=None,  # each pass begins anew
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""How long each test damages its input; `python -m tests.fuzz` says so."""
REFUSED = BerthError
"""What damaged input may end in; everything else is a fault of ours."""
_STUMBLING = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\t", b"\xc3", "\u0301\u202e\U0001f6a2".encode(), b"\xed\xa0\x80"),
    *(
        b"[" * 300,
        b"{" * 300,
        b'"',
        b"\\",
        b"\\ud800",
        b"null",
        b"true",
        b"NaN",
        b"-1",
        b"1e999",
        b"9" * 400,
        b"[]",
        b"{}",
    ),
    *(
        b"<",
        b"<!--",
        b"]]>",
        b"&#0;",
        b"&lt;",
        b"{{",
        b"}}",
        b"[[",
        b"|",
        b"- ",
        b": ",
        b"&a ",
        b"*a ",
        b"!!python/name:os ",
        b"<<: ",
    ),
)


@st.composite
def damaged(draw: st.DrawFn, valid: bytes, most: int = 6) -> bytes:
    """At most so many places are."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, most))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from([b"", bytes(data[start:end]) * 2, *_STUMBLING]) | st.binary(max_size=8))
        data[start:end] = piece
        if draw(st.integers(0, 15)) == 0:
            del data[start:]
    return bytes(data)
