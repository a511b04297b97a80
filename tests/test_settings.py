import pytest

from explorer.errors import BadInput
from explorer.settings import read_settings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


def settings(file, environ=(), **options):
    return read_settings(environ={"EXPLORER_CONFIG": str(file), **dict(environ)}, **options)


def test_without_anything_it_is_the_local_store(file):
    assert settings(file).endpoint is None


def test_credentials_alone_move_nobody_off_the_local_store(file):
    told = settings(file, {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"})
    assert told.endpoint is None
    assert told.profile == "work"


def test_option_over_file_over_environment(file):
    variables = {"AWS_ENDPOINT_URL": "https://env.test", "AWS_ENDPOINT_URL_S3": "https://env-s3.test"}
    assert settings(file, variables).endpoint == "https://env-s3.test"
    file.write_text('endpoint = "https://file.test/"\nrefresh_s = 2\nprofile = "p"\n')
    told = settings(file, variables)
    assert (told.endpoint, told.refresh_s, told.profile) == ("https://file.test", 2, "p")
    assert told.endpoint_from == str(file)
    option = settings(file, variables, endpoint="http://127.0.0.1:9")
    assert (option.endpoint, option.endpoint_from) == ("http://127.0.0.1:9", "--endpoint")


def test_the_data_folder_can_be_moved(file, tmp_path):
    assert settings(file, {"EXPLORER_DATA": str(tmp_path / "a")}).data == tmp_path / "a"
    assert settings(file, {"EXPLORER_DATA": str(tmp_path / "a")}, data=tmp_path / "b").data == tmp_path / "b"
    assert settings(file, {"EXPLORER_DATA": "~/x"}).data.is_absolute()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpoint = ", "cannot be read"),
        ('endpont = "x"', "not a setting"),
        ("refresh_s = true", "wrong type"),
        ('refresh_s = "5"', "wrong type"),
        ("endpoint = 5", "wrong type"),
        ('endpoint = "t3.storage.dev"', "not an endpoint"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_bad_file_is_named(file, text, said):
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=said) as caught:
        settings(file)
    assert caught.value.where == str(file)
    assert caught.value.hint
