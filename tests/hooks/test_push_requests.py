"""What a push asks for, and how it is answered."""

import io

import pytest

from hooks.pushreport import PushReport, one_line
from hooks.pushrequest import RefCommand, read_push_request
from storage.errors import InvalidContent, TooLarge
from storage.git.pktline import FLUSH, packet, read_packet

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


def read(*lines, after=FLUSH):
    raw = b"".join(packet(line if isinstance(line, bytes) else line.encode()) for line in lines)
    return read_push_request(io.BytesIO(raw + after))


def test_commands_capabilities_and_the_pack_are_told_apart():
    source = io.BytesIO(
        packet(f"{ZERO} {A} refs/heads/main\0 report-status atomic agent=git/2".encode())
        + packet(f"{A} {ZERO} refs/tags/old\n".encode())
        + FLUSH
        + b"PACK"
    )
    request = read_push_request(source)
    assert request.commands == (
        RefCommand("refs/heads/main", None, A),
        RefCommand("refs/tags/old", A, None),
    )
    assert request.capabilities == {"report-status", "atomic", "agent=git/2"}
    assert request.brings_pack
    assert source.read() == b"PACK"


def test_deleting_brings_no_pack():
    assert not read(f"{A} {ZERO} refs/tags/old\0 delete-refs").brings_pack


def test_where_a_shallow_client_ends_may_stand_before_the_commands():
    request = read(f"shallow {A}", f"{ZERO} {B} refs/heads/main\0 report-status")
    assert [command.new for command in request.commands] == [B]
    assert request.capabilities == {"report-status"}


def test_options_follow_when_announced():
    options = packet(b"ci.skip") + packet(b"reviewer=anna") + FLUSH
    request = read(f"{ZERO} {A} refs/heads/x\0 push-options", after=FLUSH + options)
    assert request.options == ("ci.skip", "reviewer=anna")


def test_nothing_is_asked_by_a_flush():
    assert read().commands == ()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        f"{A} {B}",
        f"{A[:39]} {B} refs/heads/x",
        f"{A.upper()} {B} refs/heads/x",
        f"{A} {B} refs/heads/a b",
        f"{ZERO} {ZERO} refs/heads/x",
        "push-cert\0 push-cert=x",
        b"%s %s refs/heads/\xff" % (A.encode(), B.encode()),
    ],
)
def test_malformed_commands_are_refused(line):
    with pytest.raises(InvalidContent):
        read(line)


def test_one_ref_cannot_be_named_twice():
    with pytest.raises(InvalidContent, match="twice"):
        read(f"{ZERO} {A} refs/heads/x\0", f"{ZERO} {B} refs/heads/x")


def test_requests_are_bounded():
    with pytest.raises(TooLarge):
        read(*[f"{ZERO} {A} refs/heads/b{number}" for number in range(1001)])
    with pytest.raises(TooLarge):
        options = packet(b"x") * 51 + FLUSH
        read(f"{ZERO} {A} refs/heads/x\0 push-options", after=FLUSH + options)


def packets(raw):
    source, found = io.BytesIO(raw), []
    while (payload := read_packet(source)) is not None:
        found.append(payload)
    return found


def test_a_report_travels_in_the_data_band_and_words_in_the_other():
    report = PushReport(frozenset({"report-status", "side-band-64k"}))
    told, status, end = packets(
        b"".join(report.say("revision 7"))
        + b"".join(report.close("ok", {"refs/heads/main": "ok", "refs/heads/x": "fetch first"}))
    )
    assert told == b"\x02packhouse: revision 7\n"
    assert status[:1] == b"\x01"
    assert packets(status[1:])[:3] == [
        b"unpack ok\n",
        b"ok refs/heads/main\n",
        b"ng refs/heads/x fetch first\n",
    ]
    assert not isinstance(end, bytes)


def test_a_client_without_bands_gets_the_bare_report():
    report = PushReport(frozenset({"report-status"}))
    assert b"".join(report.say("hello")) == b""
    assert packets(b"".join(report.close("ok", {})))[0] == b"unpack ok\n"


def test_a_client_that_wants_no_report_gets_none():
    assert b"".join(PushReport(frozenset()).close("ok", {"refs/heads/x": "ok"})) == b""


def test_reasons_cannot_break_out_of_their_line():
    assert one_line("a\nok refs/heads/main\n\x1b[31m") == "a ok refs/heads/main [31m"
    assert len(one_line("x" * 5000)) == 300
