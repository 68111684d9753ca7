"""Many callers at once: nobody's work is lost."""

from concurrent.futures import ThreadPoolExecutor

from tests.facade.houses import Caller, Street


def test_parallel_puts_all_survive(street: Street) -> None:
    street.project("Base")
    street.package("Base", "p")

    def put(number: int) -> int:
        caller = Caller(street.app, "Admin")
        return caller.put(f"/source/Base/p/w{number}.txt", f"content {number}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(put, range(8))) == [200] * 8
    listing = street.admin.xml("/source/Base/p")
    assert listing.get("rev") == "8"
    assert [e.get("name") for e in listing] == [f"w{n}.txt" for n in range(8)]
    history = street.admin.xml("/source/Base/p/_history")
    assert [r.get("rev") for r in history] == [str(n) for n in range(1, 9)]


def test_a_read_by_srcmd5_is_stable_while_others_commit(street: Street) -> None:
    street.project("Base")
    street.package("Base", "p")
    street.file("Base/p/f", "first")
    srcmd5 = street.admin.xml("/source/Base/p").get("srcmd5")

    def write(number: int) -> int:
        return Caller(street.app, "Admin").put("/source/Base/p/f", str(number)).status_code

    def read(_number: int) -> bytes:
        return Caller(street.app, "Admin").get(f"/source/Base/p/f?rev={srcmd5}").data

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, n) for n in range(8)]
        reading = [pool.submit(read, n) for n in range(8)]
        assert {done.result() for done in writing} == {200}
        assert {done.result() for done in reading} == {b"first"}


def test_two_first_metas_make_one_project(street: Street) -> None:
    body = "<project name='Base'><title/><description/></project>"

    def put(_number: int) -> int:
        return Caller(street.app, "Admin").put("/source/Base/_meta", body).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(put, range(6)))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert street.admin.xml("/source/Base/_meta").get("name") == "Base"
    assert [e.get("name") for e in street.admin.xml("/source")] == ["Base"]
