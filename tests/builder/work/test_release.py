"""Release numbers (build semantics, section 4.6)."""

import pytest

from builder.makers.release import rewrite


@pytest.mark.parametrize(
    ("own", "form", "wanted"),
    [
        ("1%{?dist}", None, "1%{?dist}"),
        ("1%{?dist}", "", "1%{?dist}"),
        ("1", "<CI_CNT>.<B_CNT>", "3.7"),
        ("1%{?dist}", "<SPEC_REL>.<CI_CNT>.<B_CNT>", "1%{?dist}.3.7"),
        ("<RELEASE>", "<CI_CNT>.<B_CNT>", "3.7"),
        ("<RELEASE>", None, "3.7"),
        ("lp.<CI_CNT>.<B_CNT>", "<B_CNT>", "lp.3.7"),
        ("2.<B_CNT>", None, "2.7"),
        ("0", "42", "42"),
    ],
)
def test_the_release_line_becomes_what_the_project_says(own, form, wanted):
    spec = f"Name: a\nRelease:   {own}\nSummary: x\n"

    assert rewrite(spec, form, "1.0-3", 7) == f"Name: a\nRelease:   {wanted}\nSummary: x\n"


def test_other_lines_are_left_alone():
    spec = "Name: a\n%description\nNo release: here it is\n%build\necho Release\n"

    assert rewrite(spec, "9", "1-1", 1) == spec
