"""TEMPORARY stand-in."""

import pickle

from gregaria.stats.entry import StatsEntry


class Increments:
    def __init__(self, stats, exceptions):
        self.stats, self.exceptions = stats, exceptions
        self.seen = {}
        self.err = {}
        self.exc = {}

    def _rows(self):
        rows = []
        for key, entry in list(self.stats.recorder.entries.items()):
            st, t = entry.state(), entry.times.copy()
            old = self.seen.get(key)
            if old and (old[0] is not entry or old[1]["started_us"] != st["started_us"]):
                old = None
            d = dict(st)
            dt = t
            if old:
                for f in (
                    "num_requests",
                    "num_none_requests",
                    "num_failures",
                    "num_interrupted",
                    "num_generator_errors",
                    "num_late",
                    "total_bytes",
                ):
                    d[f] = st[f] - old[1][f]
                d["per_second"] = {
                    s: (a - old[1]["per_second"].get(s, (0, 0))[0], b - old[1]["per_second"].get(s, (0, 0))[1])
                    for s, (a, b) in st["per_second"].items()
                }
                dt = t.since(old[2])
            if d["num_requests"] or d["num_failures"] or d["num_interrupted"] or d["num_generator_errors"]:
                rows.append((key, d, dt.pack()))
            self.seen[key] = (entry, st, t)
        return rows

    def _errors(self):
        out = []
        for k, e in list(self.stats.errors.items()):
            n = e.occurrences - self.err.get((k, id(e)), 0)
            self.err[(k, id(e))] = e.occurrences
            if n:
                out.append({**e.serialize(), "occurrences": n})
        return out

    def take(self):
        rows, errors = self._rows(), self._errors()
        exc = []
        for k, r in list(self.exceptions.items()):
            n = r["count"] - self.exc.get((k, id(r)), 0)
            self.exc[(k, id(r))] = r["count"]
            if n:
                exc.append([r["msg"], r["traceback"], n])
        if not rows and not errors and not exc:
            return None
        return {"rows": pickle.dumps(rows), "failures": errors, "exceptions": exc}

    def take_for_locust(self):
        stats = []
        for (name, method), d, packed in self._rows():
            stats.append(_entry(self.stats, name, method, d, packed).serialize())
        total = StatsEntry(self.stats, "Aggregated", "")
        return {
            "stats": stats,
            "stats_total": total.serialize(),
            "errors": {str(i): e for i, e in enumerate(self._errors())},
        }


def _entry(stats, name, method, d, packed):
    from gregaria.engine.histogram import Histogram

    e = StatsEntry(stats, name, method)
    e.native.restore(d, Histogram.unpack(packed))
    return e


def add_report(report, stats, exceptions, node_id, shift_s=0):
    n = 0
    for (name, method), d, packed in pickle.loads(report["rows"]):
        stats.recorder.merge(_entry(stats, name, method, d, packed).native)
        n += d["num_requests"]
    from gregaria.stats.failures import StatsError

    for e in report["failures"]:
        stats.errors.merge(StatsError.unserialize(e))
    for m, t, c in report["exceptions"]:
        exceptions.add(node_id, m, t, c)
    return n
