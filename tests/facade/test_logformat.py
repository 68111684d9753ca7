"""A log line shows its facts and stays one line."""

import logging

from facade.logformat import FactsFormatter


def line(message: str, **facts: object) -> str:
    record = logging.LogRecord("facade.test", logging.INFO, "", 0, message, (), None)
    vars(record).update(facts)
    return FactsFormatter().format(record)


def test_facts_follow_the_event():
    assert line("job_taken", job=7, state="succeeded").endswith(
        "facade.test job_taken job=7 state=succeeded"
    )


def test_text_from_outside_cannot_forge_a_line():
    text = line("request", path='/a\n2026 INFO forged "x"')
    assert "\n" not in text
    assert text.endswith("path=\"/a\\n2026 INFO forged 'x'\"")
