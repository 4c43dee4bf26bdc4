"""Is a model the same whether it was made by code for its very keys or the general way?"""

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import useresponse_async
from useresponse_async import Avatar, Changelog, ObjectType, User
from useresponse_async._decode import StructureError
from useresponse_async._structuring import _converter, structure
from useresponse_async.models._wire import Model, wire_aliases, wire_name

MODELS = [
    value
    for name in useresponse_async.__all__
    if isinstance(value := getattr(useresponse_async, name), type) and issubclass(value, Model)
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.sampled_from(["0", "1", "", "7", "a,b", [], {}, 1700000000]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "name", "0", "1", "alias", "x"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


def keys_of(model: type[Any]) -> list[str]:
    known = [wire_name(field) for field in attrs.fields(model) if field.name != "_extra"]
    return [*known, *wire_aliases(model), "unknown", "extra"]


def objects(model: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys_of(model)), values, max_size=6)


def outcome(make: Any) -> Any:
    try:
        return make()
    except StructureError:
        return StructureError
    except Exception as error:  # noqa: BLE001 - cattrs' own, of which the kind is no promise
        return StructureError if "Validation" in type(error).__name__ else type(error)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_objects_of_few_shapes_are_the_same_either_way(model: type[Any], data: st.DataObject):
    kinds = data.draw(st.lists(objects(model), min_size=1, max_size=3))
    for _ in range(2):
        for given_object in kinds:
            specialised = outcome(lambda: structure(given_object, model))  # noqa: B023
            general = outcome(
                lambda: _converter(detailed=True).structure(given_object, model)  # noqa: B023
            )
            assert specialised == general
            if specialised is not StructureError:
                assert specialised.extra == general.extra
                assert type(specialised) is model


def test_an_object_in_another_versions_words_does_not_shape_those_in_its_own():
    alias = next(iter(wire_aliases(Changelog)), None) or next(
        name for model in MODELS for name in wire_aliases(model)
    )
    model = next(model for model in MODELS if alias in wire_aliases(model))
    own = wire_aliases(model)[alias]
    for _ in range(3):
        assert structure({alias: None, "id": 1}, model).extra == {}
        assert structure({own: None, "id": 1}, model).extra == {}


def test_more_lengths_than_are_remembered_are_made_all_the_same():
    for length in range(1, 60):
        sent = {"id": length, **{f"new_{number}": number for number in range(length)}}
        for _ in range(2):
            user = structure(sent, User)
            assert user.id == length
            assert len(user.extra) == length


def test_odd_things_inside_are_what_the_general_way_makes_of_them():
    plain = {"id": 1, "avatar": {"big": "a"}, "role": {"id": 2}}
    for _ in range(2):
        assert structure(plain, User).avatar == Avatar(big="a")
        for nothing in (None, "", "0", [], {}, False):
            assert structure({**plain, "avatar": nothing}, User).avatar is None
        for wrong in (["x"], "x", 7, True):
            with pytest.raises(StructureError) as caught:
                structure({**plain, "avatar": wrong}, User)
            assert caught.value.place == "avatar"


def test_an_object_of_the_same_length_with_other_keys_is_not_mistaken():
    for _ in range(3):
        assert structure({"id": 1, "name": "Anna"}, User).name == "Anna"
        assert structure({"id": 1, "phone": "55"}, User).phone == "55"
        assert structure({"id": 1, "nothing": "55"}, User).extra == {"nothing": "55"}


@pytest.mark.parametrize(
    ("model", "shaping", "odd"),
    [
        (ObjectType, {"slug": "a", "title": {"single": "x"}}, {"slug": "a", "title": "0"}),
        (User, {"id": 1, "tags": ["a"]}, {"id": 1, "tags": 0}),
        (User, {"id": 1, "tags": ["a"]}, {"id": 1, "tags": False}),
        (User, {"id": 1, "role": {"id": 3}}, {"id": 1, "role": []}),
    ],
)
def test_what_came_before_changes_nothing(model: type[Any], shaping: Any, odd: Any):
    fresh = _converter.__wrapped__
    cold = outcome(lambda: fresh(detailed=True).structure(odd, model))
    warm = fresh(detailed=True)
    for _ in range(2):
        warm.structure(shaping, model)
    assert outcome(lambda: warm.structure(odd, model)) == cold
