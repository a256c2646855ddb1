"""The path rules as a table of what a job may ask for and what attackers try."""

from __future__ import annotations

import pytest

from registry.gateway.paths import PathRefused, covers, target

BASE = "http://api.example:9000/cat/scs"
HEAD = "/0123456789abcdef"


@pytest.mark.parametrize(("access_url", "use", "path"), [
    (BASE, "full", "/cat/scs"),
    (BASE + "?catalog=hip&", "full", "/cat/scs"),
    (BASE, "base", "/cat/scs"),
    (BASE, "base", "/cat/scs/sync"),
    (BASE, "base", "/cat/scs/async/4711/results/a%20b"),
    (BASE, "dir", "/cat/scs/x"),
    (BASE + "/", "dir", "/cat/scs/x"),
    (BASE + "/", "base", "/cat/scs/"),
    (BASE, "base", "/cat/scs/x.y..z"),
    (BASE, "base", "/cat/scs/50%25"),
    (BASE, "base", "/cat/scs/M%C3%BCller"),
    (BASE, "base", "/cat/scs/name;version=2"),
    ("http://api.example", "base", "/anything"),
    ("http://api.example/%7Euser/scs", "full", "/~user/scs"),
    ("http://api.example/a%2fb/scs", "base", "/a%2Fb/scs/x"),
])
def test_what_is_declared_is_open(access_url: str, use: str, path: str):
    assert covers(access_url, use, target(HEAD + path).path)


@pytest.mark.parametrize("rest", [
    "/..", "/../admin", "/x/../../admin", "/.", "/./x", "/...", "/%2e%2e/admin", "/%2E%2e/admin", "/.%2e/admin",
    "/%252e%252e/admin", "/%25252e%25252e/admin", "/..%2fadmin", "/x%2f..%2f..%2fadmin", "/%2fadmin", "/x%5c..%5cadmin",
    "/..%5cadmin", "/..;/admin", "/..;x=1/admin", "/..%3b/admin", "/;/../admin", "/%00", "/x%00.xml",
    "/x%0d%0aHost:%20evil",
    "/%c0%ae%c0%ae/admin", "/%c0%af", "/%e0%80%ae%e0%80%ae/admin", "/%ff", "/%ef%bc%8e%ef%bc%8e/admin",
    "/%e2%80%a5/admin",
    "/%e2%80%a4%e2%80%a4/admin", "/x%ef%bc%8f..", "/..%20/admin", "/%20../admin", "/..%09/admin", "/%7f",
    "x", "-other", ".bak", "%2fx", "%00", "/%25%32%65%25%32%65/admin",
])
@pytest.mark.parametrize("use", ["base", "dir"])
def test_nothing_leaves_the_declared_path(rest: str, use: str):
    assert not covers(BASE, use, target(f"{HEAD}/cat/scs{rest}").path)


@pytest.mark.parametrize("path", [
    "", "/", "/cat", "/cat/", "/cat/scs/", "/cat/scs/x", "/CAT/scs", "/cat//scs", "//cat/scs", "/cat/scsx"])
def test_full_means_exactly_that_path(path: str):
    assert not covers(BASE, "full", target(HEAD + path).path)


def test_a_directory_does_not_open_its_own_name_without_the_slash():
    assert not covers(BASE + "/", "dir", "/cat/scs")


def test_an_unknown_use_is_taken_as_the_strictest():
    assert not covers(BASE, "whatever", "/cat/scs/x")


@pytest.mark.parametrize("text", [
    "", "/", "*", "cat", "http://evil.example/", "//evil.example/x", "/0123456789abcde/x", "/0123456789abcdeg/x",
    "/0123456789ABCDEF/x", HEAD + "x", HEAD + "/a b", HEAD + "/a\\b", HEAD + "/%", HEAD + "/%zz", HEAD + "/a\nb",
    HEAD + "/a#b",
    HEAD + "/x?a=\x01", HEAD + "/x?a b", HEAD + "/x?a#b", HEAD + "/ü", HEAD + "#x", HEAD + "@evil.example/x",
    "/../" + HEAD,
])
def test_what_is_no_target_is_refused_in_one_sentence(text: str):
    with pytest.raises(PathRefused) as caught:
        target(text)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_target_is_taken_apart():
    found = target(HEAD + "/%7euser/scs?RA=1&x=/../&y=%2e")
    assert (found.route_id, found.path, found.query) == (HEAD[1:], "/~user/scs", "?RA=1&x=/../&y=%2e")
    assert target(HEAD + "?a=1").path == ""
