"""Settings: the environment in, one sentence out where it is wrong."""

import pytest
from pydantic import ValidationError

from elastic_serving.settings import Settings, unknown_variables


def set_all(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"ELASTIC_SERVING_{name.upper()}", value)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings()
    assert settings.tick_seconds == 1
    assert settings.watch_namespaces == ()


def test_lists_are_separated_by_commas_and_empty_entries_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, watch_namespaces="a, b,,", engine_image_pull_secrets="")
    settings = Settings()
    assert settings.watch_namespaces == ("a", "b")
    assert settings.engine_image_pull_secrets == ()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({"tick_seconds": "0"}, "greater than 0", id="a tick of nothing"),
        pytest.param({"prometheus_url": "prometheus:9090"}, "URL scheme", id="a URL without http"),
        pytest.param(
            {"lease_renew_seconds": "15"},
            "lease_renew_seconds 15 must be below lease_duration_seconds 15, or two leaders could act at once",
            id="a leader that ends too late",
        ),
        pytest.param(
            {"lease_retry_seconds": "6"},
            "lease_retry_seconds 6 must be at most half of lease_renew_seconds 10, or one lost answer ends the leader",
            id="too few tries",
        ),
        pytest.param(
            {"prometheus_url": "http://me:s3cret@prometheus:9090"},
            "prometheus_url must not carry a user and a password, they would be logged",
            id="a password in the URL",
        ),
        pytest.param(
            {"prometheus_username": "me"},
            "prometheus_username and prometheus_password_file must be set together",
            id="a user without a password",
        ),
        pytest.param(
            {"prometheus_cert_file": "/c"},
            "prometheus_cert_file and prometheus_key_file must be set together",
            id="a certificate without a key",
        ),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sentence: str
) -> None:
    set_all(monkeypatch, **values)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert sentence in str(refused.value)


def test_what_is_shown_hides_secret_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, prometheus_headers='{"X-Key": "s3cret"}')
    assert "s3cret" not in str(Settings().shown())


def test_a_typing_error_in_a_name_is_found() -> None:
    environment = {"ELASTIC_SERVING_PROMETHEUS_ULR": "x", "ELASTIC_SERVING_HTTP_PORT": "1", "OTHER": "y"}
    assert unknown_variables(environment) == ("ELASTIC_SERVING_PROMETHEUS_ULR",)
