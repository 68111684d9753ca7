"""The calls of real clients, replayed in order; what a genuine server answered decides.

Statuses and error texts have to be equal; other answers must have the same
keys and kinds of values, all the way down. Deviations are listed with a reason.
"""

import io
import json
import re
from pathlib import Path

from .conftest import Copr

RECORDS = Path(__file__).parent / "data" / "recorded.jsonl"

BETTER = {
    203: "a wrong order is the caller's mistake, 400",
    204: "a wrong order type is the caller's mistake, 400",
    206: "the text None means the present type",
    212: "two different names are the caller's mistake, 400",
    222: "localhost may be named",
    232: "a missing field is the caller's mistake, 400",
    236: "malformed credentials are no crash",
    242: "a wrong order is the caller's mistake, 400",
    243: "a wrong limit is the caller's mistake, 400",
    264: "a malformed chroot name is the caller's mistake, 400",
    195: "who may not delete a project hears that instead of a list of builds",
    327: "an unknown person is no database error",
}
BUILT = {
    **dict.fromkeys((129, 130, 131, 134, 138, 139), "needs builds that ran"),
    **dict.fromkeys((142, 145, 146, 147, 148, 149, 150), "needs builds that ran"),
    **dict.fromkeys((151, 152, 154, 268), "needs builds that ran"),
    **dict.fromkeys((192, 259), "needs builds that ran"),
}


def replayed():
    for line in RECORDS.read_text().splitlines():
        record = json.loads(line)
        if record["seq"] not in BETTER | BUILT:
            yield record


def call(client, record):
    options = {}
    if record.get("query"):
        options["query_string"] = record["query"]
    if "parts" in record:
        options["data"] = {
            part["name"]: (content_of(part), part["filename"], part["content_type"])
            for part in record["parts"]
        }
        options["content_type"] = "multipart/form-data"
    elif "raw" in record:
        options["data"] = record["raw"]
        options["content_type"] = record["content_type"]
    return client.call(
        record["method"],
        record["path"].removeprefix("/api_3"),
        record.get("json") if "parts" not in record else None,
        **options,
    )


def content_of(part):
    if "json" in part:
        return io.BytesIO(json.dumps(part["json"]).encode())
    return io.BytesIO(b"x" * part["size"])


def plain(text):
    text = re.sub(r"https?://[\w.:/]+/api to get", "URL/api to get", text)
    return re.sub(r"`\d+`", "`N`", text)


def differences(wanted, found, where=""):
    """Where two JSON values have other keys or kinds; null fits everything."""
    if wanted is None or found is None:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        if wanted.keys() != found.keys():
            yield f"{where}: keys {sorted(wanted)} became {sorted(found)}"
        for key in wanted.keys() & found.keys():
            yield from differences(wanted[key], found[key], f"{where}/{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        if wanted and found:
            yield from differences(wanted[0], found[0], f"{where}[]")
    elif type(wanted) is not type(found):
        yield f"{where}: {wanted!r} became {found!r}"


def test_recorded_calls_are_answered_as_recorded(street, person):
    people = {login: person(login) for login in ("alice", "bob", "carol")}
    people["root"] = person("root", is_admin=True)
    people["bad"] = Copr(street, "alice", "wrong" * 6)
    with street.house.records.begin() as unit:
        unit.groups.create("tools", "", ["alice"])
    for record in replayed():
        as_whom = re.search(r"\[as (\w+)\]|\b(bob) as approved", record["cmd"])
        client = people[(as_whom and (as_whom[1] or as_whom[2])) or "alice"]
        if not record.get("auth"):
            client = Copr(street, None)
        response = call(client, record)
        about = f"call {record['seq']}: {record['cmd']}: {response.text[:500]}"
        assert response.status_code == record["status"], about
        wanted = record.get("answer")
        if isinstance(wanted, dict) and "error" in wanted:
            assert plain(response.json["error"]) == plain(wanted["error"]), about
        elif record["status"] == 200 and record["seq"] not in (1, 241):
            assert not list(differences(wanted, response.json)), about
