"""The dashboard, as Grafana's own model of dashboards reads it."""

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support.servers import ROOT

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "gregaria.json").read_text())
#: of an annotation, a field that Prometheus' data source knows and the model of dashboards does not
OF_DATA_SOURCE = ["annotations.list.0.titleFormat"]


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths of what is not there any more, or is another."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from lost(value, after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, value in enumerate(before):
            yield from lost(value, after[number], f"{path}.{number}")
    elif before != after:
        yield path.removeprefix(".")


def read(content: dict[str, Any]) -> Dashboard:
    register_default_plugins()
    return Dashboard.from_json(content)


def test_grafanas_model_knows_every_field_and_every_panel() -> None:
    dashboard = read(DASHBOARD)
    assert list(lost(DASHBOARD, json.loads(JSONEncoder().encode(dashboard)))) == OF_DATA_SOURCE
    # The options of a kind that it does not know stay as they are.
    assert dashboard.panels is not None
    assert [panel.type_val for panel in dashboard.panels if isinstance(getattr(panel, "options", None), dict)] == []


def test_a_misspelled_option_query_or_place_would_be_seen() -> None:
    for place in ("options", "gridPos", "fieldConfig"):
        wrong = json.loads(json.dumps(DASHBOARD))
        panel = next(each for each in wrong["panels"] if each["type"] == "timeseries")
        panel[place]["tooltipp"] = {}
        panel["targets"][0]["exprr"] = "up"
        number = wrong["panels"].index(panel)
        found = [*lost(wrong, json.loads(JSONEncoder().encode(read(wrong))))]
        assert {f"panels.{number}.{place}.tooltipp", f"panels.{number}.targets.0.exprr"} <= set(found)
