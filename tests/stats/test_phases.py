from gregaria.engine.recorder import Entry, Recorder
from gregaria.stats.phases import phase_percentiles


def test_the_phases_of_a_row_are_percentiles_by_name() -> None:
    entry = Entry("GET", "/")
    assert phase_percentiles(entry, [0.5]) is None
    for number in range(1, 4):
        entry.add_phases([0, 0, 0, number, 100 * number, 7])
    assert phase_percentiles(entry, [0.5, 1.0]) == {
        "name_lookup": {0.5: 0, 1.0: 0},
        "connect": {0.5: 0, 1.0: 0},
        "tls": {0.5: 0, 1.0: 0},
        "sending": {0.5: 2, 1.0: 3},
        "first_byte": {0.5: 200, 1.0: 300},
        "receiving": {0.5: 7, 1.0: 7},
    }


def test_a_row_whose_requests_went_another_way_has_none() -> None:
    recorder = Recorder()
    recorder.keeps_phases = True
    recorder.record("GET", "/", 1000, 5)
    assert phase_percentiles(recorder.entry("GET", "/"), [0.5]) is None
