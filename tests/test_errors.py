import inspect

from explorer import errors


def test_the_tree_at_the_head_of_the_file_is_the_tree():
    drawn = [
        line.split()[1].split("(")[0] for line in errors.__doc__.splitlines() if line[:1] in "├└" and line
    ]
    real = [
        name
        for name, cls in vars(errors).items()
        if inspect.isclass(cls) and cls.__base__ is errors.ExplorerError
    ]
    real += [n for n in ("NotFound", "BadInput", "BadCheckpoint") if n not in real]
    assert sorted(drawn) == sorted(set(real))


def test_every_error_says_what_where_and_what_to_do():
    error = errors.BadCheckpoint(
        "The header is short.", hint="save it again", where="b@1/model.safetensors:8"
    )
    assert str(error) == "The header is short. (b@1/model.safetensors:8)"
    assert isinstance(error, ValueError)
    assert str(errors.NotFound("No such bucket.", hint="x")) == "No such bucket."


def test_nearest_names_what_exists_or_the_way_to_look():
    assert "`main`" in errors.nearest("mian", ["main", "other"], "look")
    assert errors.nearest("zzz", ["main"], "look") == "look"
