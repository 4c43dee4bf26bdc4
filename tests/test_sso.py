"""One Login addresses, which are the vendor's byte for byte."""

from typing import Any

import pytest

from useresponse_async import ArgumentError, Secret
from useresponse_async.sso import login_url

JOHN: dict[str, Any] = {
    "domain": "https://help.example.org", "secret": "s3kre7", "source": "example.com",
    "full_name": "John Doe", "email": "johndoe@example.com", "user_id": "42",
}  # fmt: skip
JOHNS_URL = (
    "https://help.example.org/sso/c4r424u5x5i4k52474l4j4/l3i494v5p3e3u5l5/"
    "h4i494v5l5l4k5k494u474g4u5p5m5m254u5h4/z2t2/"
    "52ad923bd0e87f1b9dd12a519206c6819787786a/direct-sso"
)

OLEKSANDR = {
    **JOHN,
    "full_name": "Олександр Ковальчук",
    "email": "o.k@example.com",
    "user_id": 1007,
}
OLEKSANDRS_URL = (
    "https://help.example.org/sso/c4r424u5x5i4k52474l4j4/"
    "b7t55708l8j6j8y79735a7b6i8y7l8c677b6c297n5h818l8p7478647y7b7p6j8855765c7o6/"
    "m4p2c4l4m5u4g5t5k4i4b4p2h5s5u5/w2r2p2c4/"
    "af5ca572a189dee45246db74ba85042d27214d41/direct-sso"
)

TOPIC = "https://help.example.org/topic/1?a=b&c=d"
TO_TOPIC = "?redirect=https%3A%2F%2Fhelp.example.org%2Ftopic%2F1%3Fa%3Db%26c%3Dd"
FIELDS = {172: "lorem ipsum", 198: "2018-01-01"}
WITH_FIELDS = (
    "properties%5Bproperty_172%5D=j4i4j4m5u5e2o5w5n4r4j4"
    "&properties%5Bproperty_198%5D=x2r2q2d424u24414s2v2"
)


def test_the_address_is_that_of_the_vendor():
    for user, url in ((JOHN, JOHNS_URL), (OLEKSANDR, OLEKSANDRS_URL)):
        assert login_url(**user) == url
        assert login_url(**{**user, "secret": Secret("s3kre7")}, redirect=TOPIC) == url + TO_TOPIC
        assert login_url(**user, properties=FIELDS) == f"{url}?{WITH_FIELDS}"
        with_both = login_url(**user, redirect=TOPIC, properties=FIELDS)
        assert with_both == f"{url}{TO_TOPIC}&{WITH_FIELDS}"
    url = login_url(**{**JOHN, "domain": "https://help.example.org/desk/"})
    assert url.startswith("https://help.example.org/desk/sso/c4r4")


def test_an_invalid_argument_of_a_login_url_is_named():
    for argument, value in (
        *[(name, "") for name in JOHN], *[(name, "  ") for name in JOHN], ("secret", Secret("")),
        ("domain", "help.example.org"), ("domain", "ftp://help.example.org"),
        ("domain", "https://"), ("domain", "https://help.example.org?x=y"),
        ("domain", "https://help.example.org#x"), ("source", "https://example.com"),
        ("redirect", ""), ("properties", {0: "x"}), ("properties", {1: ""}),
        ("full_name", "half \ud83d"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as caught:
            login_url(**{**JOHN, argument: value})
        assert caught.value.argument == argument
        assert "s3kre7" not in str(caught.value)
