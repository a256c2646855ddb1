"""Streams cut anywhere come out whole."""

from __future__ import annotations

import pytest

from registry.executor import frames


def frame(number: int, data: bytes) -> bytes:
    return bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


WHOLE = frame(1, b"one\n") + frame(2, b"") + frame(2, b"two\n" * 100) + frame(1, b"three")


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 64, 10_000])
def test_frames_are_whole_however_they_are_cut(size):
    chunks = [WHOLE[start:start + size] for start in range(0, len(WHOLE), size)]
    assert list(frames.split(chunks)) == [
        ("stdout", b"one\n"), ("stderr", b""), ("stderr", b"two\n" * 100), ("stdout", b"three")]


def test_a_torn_frame_is_left_out():
    assert list(frames.split([WHOLE[:-1]]))[-1] == ("stderr", b"two\n" * 100)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_documents_are_whole_and_rubbish_is_left_out(size):
    text = b'{"Action": "die"}\n[1]\nno json\n{"Action":\n{"Action": "start"}\n{"Action": "torn'
    chunks = [text[start:start + size] for start in range(0, len(text), size)]
    assert list(frames.documents(chunks)) == [{"Action": "die"}, {"Action": "start"}]
