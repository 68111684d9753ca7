"""Settings come from a file, then from variables, then from the command line."""

from pathlib import Path

import pytest

from facade.settings import InvalidSettings, load


def test_defaults_need_nothing():
    settings = load(environ={})
    assert settings.listen == "127.0.0.1:8000"
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.caches == settings.data_dir / "cache"


def test_a_variable_beats_the_file_and_an_argument_beats_both(tmp_path):
    file = tmp_path / "packhouse.toml"
    file.write_text('title = "file"\nlisten = "127.0.0.1:1"\n[limits]\nfile_bytes = 5\n')
    environ = {"PACKHOUSE_TITLE": "variable", "PACKHOUSE_LIMITS__FILE_BYTES": "7"}
    settings = load(file, environ, listen="127.0.0.1:2")
    assert (settings.title, settings.limits.file_bytes) == ("variable", 7)
    assert settings.listen == "127.0.0.1:2"


def test_chroots_are_tables(tmp_path):
    file = tmp_path / "packhouse.toml"
    file.write_text('[chroots.debian-12-x86_64]\nkind = "host"\npackages = ["gcc", "make"]\n')
    chroot = load(file, {}).chroots["debian-12-x86_64"]
    assert (chroot.kind, chroot.packages) == ("host", ("gcc", "make"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", "unknown setting 'titel'"),
        ("[limits]\nfile = 1", "unknown setting 'limits.file'"),
        ("limits = 3", "setting 'limits' is a table"),
        ("web_workers = 'many'", "setting 'web_workers' cannot be 'many'"),
        ("web_workers = 0", "setting 'web_workers' is at least 1"),
        ("web_workers = true", "setting 'web_workers' cannot be 'True'"),
        ("native_git = 'perhaps'", "setting 'native_git' cannot be 'perhaps'"),
        ("registration = 'ask'", "setting 'registration' is one of allow, deny"),
        ("listen = '8000'", "setting 'listen' is HOST:PORT"),
        ("title = ", "is not TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, message):
    file = tmp_path / "packhouse.toml"
    file.write_text(text)
    with pytest.raises(InvalidSettings, match=message.replace("[", r"\[")):
        load(file, {})


def test_an_unknown_variable_is_refused_but_the_commands_own_are_not():
    load(environ={"PACKHOUSE_ADMIN_PASSWORD": "x", "PACKHOUSE_TEST_STRICT": "1"})
    with pytest.raises(InvalidSettings, match="unknown setting 'wrong'"):
        load(environ={"PACKHOUSE_WRONG": "1"})


def test_a_missing_file_is_named():
    with pytest.raises(InvalidSettings, match="cannot read settings file"):
        load(Path("/nonexistent/packhouse.toml"), {})
