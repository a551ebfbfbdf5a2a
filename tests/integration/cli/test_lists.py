"""`deliveryd list`, as it is typed, before a real daemon."""

from pathlib import Path

from tests.stories.conftest import house, shared_servers  # noqa: F401 - fixtures
from tests.stories.house import House


async def test_the_life_of_a_list(house: House, tmp_path: Path) -> None:  # noqa: F811
    """It is made, filled from a file in several requests, looked at in pages, and taken away."""
    await house.start()
    code, answer = await house.typed("list", "create", "News")
    assert (code, answer["ok"], answer["name"]) == (0, True, "News")
    number = str(answer["list"])
    code, answer = await house.typed("list", "create", "News")
    assert (code, answer["errors"][0]["code"]) == (1, "state.conflict")
    path = tmp_path / "many.csv"
    rows = [f"c{n}@there.test,C{n},\n" for n in range(1_100)]
    rows[700] = "bad@@there.test,,\n"
    rows[900] = "c900@there.test\n"
    rows[1_000] = 'c1000@there.test,C,"{""city"": ""Minsk""}"\n'
    path.write_text("".join(["address,first_name,custom\n", *rows]))
    code, answer = await house.typed("list", "fill", number, str(path))
    assert code == 1
    assert (answer["inserted"], answer["updated"], answer["invalid"]) == (1_098, 0, 2)
    assert [one["line"] for one in answer["log"]] == [702, 902]
    code, answer = await house.typed("list", "fill", number, str(path))
    assert (answer["inserted"], answer["updated"], answer["invalid"]) == (0, 1_098, 2)
    code, answer = await house.typed("list", "show", "--customer", "1")
    assert (code, [one["members"] for one in answer["lists"]]) == (0, [1_098])
    code, answer = await house.typed("list", "members", number, "--limit", "1000")
    code, last = await house.typed("list", "members", number, "--page", str(answer["page"]))
    assert (len(answer["members"]), len(last["members"]), last["page"]) == (1_000, 98, None)
    assert answer["members"][0]["first_name"] == "C0"
    code, answer = await house.typed("list", "delete", number)
    assert (code, answer["members"]) == (0, 1_098)
    code, answer = await house.typed("list", "show")
    assert (code, answer["lists"]) == (0, [])
