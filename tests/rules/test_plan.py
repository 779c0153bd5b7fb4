"""Where the tables stand on the plan of the house."""

from stories import refused

from ordering.floor import Area, Floor, Table, arranged, spots

HOUSE = Floor(
    (Area("hall", {"en": "Hall"}), Area("yard", {"en": "Yard"})),
    tuple(Table(f"t{n}", str(n), 4, "hall" if n < 20 else "yard", f"c{n}", f"s{n}") for n in range(40)),
)


def test_tables_that_nobody_has_placed_stand_in_rows_apart_from_each_other() -> None:
    for area in ("hall", "yard"):
        places = [spots(HOUSE)[table.id] for table in HOUSE.tables if table.area == area]
        assert len(set(places[:15])) == 15
        assert all(0 < x < 100 and 0 < y < 100 for x, y in places)


def test_a_table_stands_where_it_was_put_and_no_other_moves() -> None:
    after = arranged(HOUSE, "t3", 0, 100)
    assert spots(after)["t3"] == (0, 100)
    assert {**spots(HOUSE), "t3": (0, 100)} == spots(after)
    with refused("no_such_table"):
        arranged(HOUSE, "t99", 1, 1)
