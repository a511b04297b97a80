import inspect
import traceback

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


def test_of_names_as_near_the_one_that_begins_alike_comes_first():
    steps = [f"step-{n}" for n in (50, 100, 200, 250)]
    assert errors.nearest("step-20", steps, "look").startswith("did you mean `step-200`")
    assert errors.nearest("step-25", steps, "look").startswith("did you mean `step-250`")


def test_a_script_that_catches_nothing_prints_the_hint():
    error = errors.NotFound("No such bucket.", hint="look at the list")
    assert traceback.format_exception(error)[-1] == "hint: look at the list\n"
