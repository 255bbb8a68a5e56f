"""A run as a page that stands alone."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from entrypoints.simulation.scenarios import Report

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto }
table { border-collapse: collapse; margin: 0 0 2rem } td, th { padding: .15rem .8rem .15rem 0 }
th { text-align: left; border-bottom: 1px solid } td.n { text-align: right }
.bar { background: #2a6f97; height: .8rem } .wrong { color: #b00020; font-weight: bold }
"""


def html(report: Report) -> str:
    """The page of *report*."""
    title = f"{report.scenario}, seed {report.seed}"
    verdict = "as it must be" if report.ok else "not as it must be"
    body = [
        f"<h1>{escape(title)}: {verdict}</h1>",
        f"<p>{report.virtual_s} virtual seconds, {report.port_calls} calls of drivers.</p>",
        *_counts(report),
        *_bars("faults injected", report.faults),
        *_workers(report.workers),
        f"<p>digest of everything that happened: <code>{report.digest}</code></p>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    page = "\n".join(body)
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{page}\n</body></html>\n'


def _counts(report: Report) -> Iterator[str]:
    yield "<table><tr><th>what</th><th>expected</th><th>observed</th></tr>"
    for name, observed in report.observed.items():
        wrong = ' class="wrong"' if name in report.differences else ""
        expected = report.expected.get(name, "")
        yield f'<tr{wrong}><td>{escape(name)}</td><td class="n">{expected}</td>'
        yield f'<td class="n">{observed}</td></tr>'
    yield "</table>"


def _bars(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    most = max(counts.values(), default=1)
    yield f"<table><tr><th>{escape(title)}</th><th></th><th></th></tr>"
    for name, count in counts.items():
        bar = f'<div class="bar" style="width:{12 * count / most:.2f}rem"></div>'
        yield f'<tr><td>{escape(name)}</td><td class="n">{count}</td><td>{bar}</td></tr>'
    yield "</table>"


def _workers(workers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    heads = ("worker", "records", "done", "back", "dropped")
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for name, counted in workers.items():
        dropped = ", ".join(f"{n} {reason}" for reason, n in counted["dropped"].items()) or "-"
        yield f'<tr><td>{escape(name)}</td><td class="n">{counted["records"]}</td>'
        yield f'<td class="n">{counted["done"]}</td><td class="n">{counted["retried"]}</td>'
        yield f"<td>{escape(dropped)}</td></tr>"
    yield "</table>"
