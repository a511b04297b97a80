import pytest

from explorer.errors import BadInput
from explorer.lineage.address import Address, Node, is_version


@pytest.mark.parametrize(
    ("text", "bucket", "at", "key"),
    [
        ("runs", "runs", None, None),
        ("runs@step-100", "runs", "step-100", None),
        ("runs@1751631910140685342", "runs", "1751631910140685342", None),
        ("runs@a b/checkpoints/x@y", "runs", "a b", "checkpoints/x@y"),
        ("t3://runs/key", "runs", None, "key"),
        ("s3://runs@v1", "runs", "v1", None),
        (" runs ", "runs", None, None),
        ("runs/", "runs", None, None),
    ],
)
def test_reads_every_form(text, bucket, at, key):
    assert Address.parse(text) == Address(bucket, at, key)


def test_written_form_reads_back():
    for text in ("runs", "runs@v", "runs/a/b", "runs@v/a/b"):
        assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "@v", "ab", "Runs", "a..b", "192.168.0.1", "-runs", "runs-", "a" * 64, "r\nns"]
)
def test_refuses_what_s3_refuses(text):
    with pytest.raises(BadInput) as caught:
        Address.parse(text)
    assert "bucket names are" in caught.value.hint


def test_an_empty_version_is_an_error_and_not_the_head():
    with pytest.raises(BadInput, match="nothing behind"):
        Address.parse("runs@")


def test_versions_and_names_are_told_apart():
    assert is_version("1751631910140685342")
    assert not is_version("step-100")
    assert not is_version("100")


def test_a_node_says_its_address():
    assert str(Node("runs", "17")) == "runs@17"
    assert str(Node("runs")) == "runs"
    assert Node("runs").is_head
