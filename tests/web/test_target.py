"""Which target and which host a request has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pkid.web.target import BadTarget, read_target
from tests.support import Case

NEW = b"HTTP/1.1"
OLD = b"HTTP/1.0"


class TargetTests(Case):
    def test_a_path_stays_as_it_is(self) -> None:
        for path in (b"/", b"/ca/cert", b"/ca/cert?a=b", b"//ca/cert", b"/http://core/", b"/%2e%2e/x", b"*"):
            self.assertEqual(read_target(path, [b"core"], NEW), (path, b"core"))

    def test_the_absolute_form_is_served_and_its_host_counts(self) -> None:
        for target, path, host in (
            (b"https://core/ca/cert", b"/ca/cert", b"core"),
            (b"http://core:8900/ca/cert?a=b", b"/ca/cert?a=b", b"core:8900"),
            (b"HTTPS://[2001:db8::1]:8900/", b"/", b"[2001:db8::1]:8900"),
            (b"https://core", b"/", b"core"),
            (b"https://core?a", b"/?a", b"core"),
        ):
            self.assertEqual(read_target(target, [b"other"], NEW), (path, host), target)

    def test_other_forms_are_none(self) -> None:
        for target in (
            b"", b"ca/cert", b"core:443", b"ftp://core/ca/cert", b"https:/ca/cert", b"https:///ca/cert", b"https://",
            b"https://:8900/ca/cert", b"https://user@core/ca/cert", b"https://co\\re/", b"https://core:port/", b"**",
        ):  # fmt: skip
            self.assertRaises(BadTarget, read_target, target, [b"core"], NEW)

    def test_a_request_has_one_host_unless_it_is_old(self) -> None:
        self.assertRaises(BadTarget, read_target, b"/", [], NEW)
        self.assertRaises(BadTarget, read_target, b"https://core/", [], NEW)
        self.assertEqual(read_target(b"/", [], OLD), (b"/", None))
        for version in (OLD, NEW):
            self.assertRaises(BadTarget, read_target, b"/", [b"core", b"core"], version)
            self.assertEqual(read_target(b"/", [b""], version), (b"/", b""))

    def test_a_host_is_a_name_or_an_address_and_a_port(self) -> None:
        for host in (b"core", b"core:8900", b"core:", b"192.0.2.1:8900", b"[::1]:8900", b"%C3%A9.example"):
            self.assertEqual(read_target(b"/", [host], NEW), (b"/", host))
        for host in (b"a b", b"a/b", b"user@core", b"::1", b"core:x", b"core:123456", b"\xe9", b"core\n"):
            self.assertRaises(BadTarget, read_target, b"/", [host], NEW)

    @given(st.binary(), st.lists(st.binary(), max_size=2), st.sampled_from([OLD, NEW]))
    def test_whatever_comes_is_a_path_or_refused(self, target: bytes, hosts: list[bytes], version: bytes) -> None:
        try:
            path, _ = read_target(target, hosts, version)
        except BadTarget:
            return
        self.assertTrue(path.startswith(b"/") or path == b"*")
