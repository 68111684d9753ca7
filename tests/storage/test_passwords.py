"""Passwords and token secrets are kept as texts that tell nothing."""

from storage import passwords, secrets


def test_a_password_verifies_against_its_own_hash_only():
    kept = passwords.hash("opensesame")
    assert passwords.verify(kept, "opensesame")
    assert not passwords.verify(kept, "opensesame ")
    assert not passwords.verify(kept, "")


def test_the_same_password_hashes_differently_each_time():
    assert passwords.hash("x") != passwords.hash("x")


def test_a_missing_or_broken_hash_refuses_every_password():
    assert not passwords.verify(None, "nobody")
    assert not passwords.verify("", "")
    assert not passwords.verify("not a hash", "not a hash")


def test_a_hash_with_other_costs_wants_to_be_made_again():
    kept = passwords.hash("x")
    assert not passwords.needs_rehash(kept)
    assert passwords.needs_rehash(kept.replace("t=2", "t=1"))


def test_passwords_of_odd_characters_are_no_error():
    odd = "p\0ä\udcff" + "x" * 5000
    assert passwords.verify(passwords.hash(odd), odd)


def test_a_secret_verifies_against_its_own_hash_only():
    secret = secrets.new_secret()
    kept = secrets.hash_secret(secret)
    assert secret not in kept
    assert secrets.verify_secret(kept, secret)
    assert not secrets.verify_secret(kept, secret + "x")
    assert not secrets.verify_secret("", secret)


def test_generated_halves_are_long_alphanumeric_and_new_each_time():
    made = [secrets.new_login() for _ in range(20)] + [secrets.new_secret() for _ in range(20)]
    assert len(set(made)) == 40
    assert all(text.isascii() and text.isalnum() and len(text) >= 30 for text in made)
