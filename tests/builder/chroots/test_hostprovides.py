"""What a Debian root offers, in rpm's words."""

from builder.chroots.hostprovides import provides, spec

OUTPUT = """\
D ii \tgcc\t4:12.2.0-3\tc-compiler, gcc-x86-64-linux-gnu (= 4:12.2.0-3)
D ii \tlibfoo\t1.2-3-4\t
D rc \tremoved\t1.0\t
D ii \tdebhelper\t13.11.4\tdebhelper-compat (= 13)
X /usr/bin/gcc
X /usr/bin/bad name
F /usr/lib/pkgconfig/foo.pc
P prefix=/usr
P major=1
P Version: ${major}.${minor}2
M ./Data/Dumper.pm
M ./5.36.0/File/Spec.pm
Y /usr/bin/python3.11
E Foo_Bar-1.2.3
L libc.so.6(GLIBC_2.34)(64bit)
L evil\tname
nonsense
L %(touch /tmp/owned)
D ii \tx\t1.0%(id)\t
"""


def test_everything_installed_is_named():
    found = provides(OUTPUT, [("gcc-c++", ["gcc"]), ("none", ["absent"]), ("empty", [])])

    assert found == {
        "rtld(GNU_HASH)": "",
        "gcc": "4:12.2.0-3",
        "gcc-c++": "4:12.2.0-3",
        "c-compiler": "",
        "gcc-x86-64-linux-gnu": "4:12.2.0-3",
        "libfoo": "1.2_3-4",
        "debhelper": "13.11.4",
        "debhelper-compat": "13",
        "/usr/bin/gcc": "",
        "/bin/gcc": "",
        "pkgconfig(foo)": "1.2",
        "perl(Data::Dumper)": "",
        "perl(File::Spec)": "",
        "python(abi)": "3.11",
        "python3dist(foo-bar)": "1.2.3",
        "python3.11dist(foo-bar)": "1.2.3",
        "libc.so.6(GLIBC_2.34)(64bit)": "",
        "x": "",
    }


def test_no_macro_reaches_the_spec():
    assert "%(" not in spec(provides(OUTPUT))
