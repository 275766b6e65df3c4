from gregaria.runner.seating import Seating, dealing_order


def seating_of(capacities: dict[str, float], *names: str) -> Seating:
    seating = Seating()
    seating.add_workers(capacities, sorted(set(names)))
    seating.seat(names)
    return seating


def test_consecutive_users_go_to_different_hosts() -> None:
    assert dealing_order(["a_1", "a_2", "b_1", "c_1", "a_3"]) == ["a_1", "b_1", "c_1", "a_2", "a_3"]


def test_users_that_come_are_spread_over_the_workers() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, "A", "A", "B", "B")
    assert seating.tell() == {"x_1": {"A": 1, "B": 1}, "y_1": {"A": 1, "B": 1}}
    assert seating.class_counts == {"A": 2, "B": 2}
    assert seating.total == 4


def test_what_has_been_told_does_not_change_any_more() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, "A")
    told = seating.tell()
    seating.seat(["A"])
    assert told == {"x_1": {"A": 1}, "y_1": {"A": 0}}
    assert seating.tell()["x_1"] is told["x_1"]


def test_a_class_that_leaves_the_emptier_worker_has_one_of_the_fuller_moved_there() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, "A", "B", "A")
    assert seating.tell() == {"x_1": {"A": 1, "B": 0}, "y_1": {"A": 1, "B": 1}}
    seating.unseat(["A"])
    seating.seat(["A", "A", "A"])
    assert seating.tell() == {"x_1": {"A": 2, "B": 0}, "y_1": {"A": 2, "B": 1}}
    seating.unseat(["B", "A", "A"])
    assert seating.tell() == {"x_1": {"A": 1, "B": 0}, "y_1": {"A": 1, "B": 0}}


def test_evening_out_moves_as_many_as_it_may_and_no_more_than_it_must() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, *"AAAABBBB")
    seating.add_workers({"z_1": 1}, ["A", "B"])
    assert seating.moves_needed(8) == 2
    assert seating.even_out(8, most=1) == 1
    assert seating.even_out(8, most=5) == 1
    assert seating.moves_needed(8) == 0
    assert seating.tell()["z_1"] == {"A": 1, "B": 1}


def test_nobody_is_moved_where_those_that_come_will_do() -> None:
    seating = seating_of({"x_1": 1}, *"AAAA")
    seating.add_workers({"y_1": 1}, ["A"])
    assert seating.moves_needed(8) == 0
    assert seating.moves_needed(6) == 1


def test_a_worker_that_is_gone_takes_its_users_with_it() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, *"AAB")
    assert seating.tell() == {"x_1": {"A": 1, "B": 1}, "y_1": {"A": 1, "B": 0}}
    seating.remove_worker("x_1")
    assert seating.tell() == {"y_1": {"A": 1, "B": 0}}
    assert seating.total == seating.class_counts["A"] == 1


def test_a_user_that_left_by_itself_is_missed_where_it_was_or_else_on_the_fullest() -> None:
    seating = seating_of({"x_1": 1, "y_1": 1}, *"AAA")
    assert seating.unseat_one("A", "y_1")
    assert seating.tell() == {"x_1": {"A": 2}, "y_1": {"A": 0}}
    assert not seating.unseat_one("A", "y_1")
    assert seating.unseat_one("A")
    assert seating.tell() == {"x_1": {"A": 1}, "y_1": {"A": 0}}
    assert not seating.unseat_one("B")
