"""A recording as a page that needs nothing from elsewhere: on a screen, on paper, read aloud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tracer_tools.columns import NONE, exact
from tracer_tools.ctl.report import Counters, several
from tracer_tools.recording.charts import COLOURS, chart
from tracer_tools.recording.lines import Total
from tracer_tools.recording.reading import Recording, name_of, summed
from tracer_tools.recording.series import Band, Span, bands, places, spans
from tracer_tools.table import COUNTERS

CALLS = tuple(name for name in COUNTERS if not name.endswith("_mem"))
MEANINGS = {
    "kmalloc": "calls of kmalloc",
    "kfree": "calls of kfree",
    "kmalloc_mem": "bytes allocated by kmalloc",
    "kfree_mem": "bytes given back by kfree",
    "sched": "calls of schedule",
    "up": "calls of up",
    "down": "calls of down_interruptible",
    "lock": "calls of mutex_lock",
    "unlock": "calls of mutex_unlock",
}
MOST_RANKED = 50
"""Processes in the ranking; those after them are one line."""
# No script, no style sheet, no picture, no font from anywhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light }
body { margin: 2rem auto; padding: 0 1rem; max-width: 78rem;
  font: 15px/1.45 system-ui, sans-serif; color: #1f2328; background: #fff }
h1 { font-size: 1.6rem; overflow-wrap: anywhere } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem }
dt { font-weight: 600 } dd { margin: 0; overflow-wrap: anywhere }
figure { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; margin: 0 }
figure svg { max-width: 100%; height: auto; flex: 2 1 34rem }
figure table { flex: 1 1 20rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { text-align: left; color: #59636e; padding-bottom: .3rem }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #d0d7de }
th[scope=row], th:first-child { text-align: left; font-weight: 400; white-space: nowrap }
thead th { font-weight: 600 }
tfoot th, tfoot td { font-weight: 600 }
.box { display: inline-block; width: .8em; height: .8em; margin-right: .4em;
  print-color-adjust: exact; -webkit-print-color-adjust: exact }
.missed ul { border-left: 4px solid #b35900; padding-left: 2rem }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt }
  section { break-inside: avoid } .ranking { break-inside: auto } tr { break-inside: avoid }
  .wide { overflow: visible; font-size: 6.5pt } .wide th, .wide td { padding: .1rem .25rem }
}
"""


def page(recording: Recording) -> str:
    """Return the page. Raises TracerError if pygal is not installed."""
    title = f"{recording.subject()}: what it did in the kernel"
    if recording.header.command is None:
        title = f"What {recording.subject()} did in the kernel"
    parts = spans(recording)
    sections = [
        summary(recording),
        missed(recording),
        *(column_section(recording, column, parts) for column in COUNTERS),
        ranking(recording),
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{escape(title)}</h1>",
            *sections,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def section(name: str, title: str, *content: str) -> str:
    """Return a section with its heading."""
    head = (
        f'<section class="{name}" aria-labelledby="{name}">\n<h2 id="{name}">{escape(title)}</h2>'
    )
    return "\n".join([head, *content, "</section>"])


def table(caption: str, heads: Sequence[str], rows: Iterable[str], foot: str = "") -> str:
    """Return a table of rows that `row` has made."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join(rows)
    end = f"\n<tfoot>\n{foot}\n</tfoot>" if foot else ""
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>{end}\n</table>"
    )


def row(name: str, *cells: str, colour: str = "") -> str:
    """Return a row of a table, with the colour that its name has in a chart."""
    box = f'<span class="box" style="background:{colour}"></span>' if colour else ""
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{box}{escape(name)}</th>{rest}</tr>'


def count(number: int) -> str:
    """Return a number with its digits in groups of three."""
    return f"{number:,}"


def rate(number: int, seconds: float) -> str:
    """Return how many of something there were in a second."""
    return count(round(number / seconds)) if seconds > 0 else NONE


def summary(recording: Recording) -> str:
    """Return what was recorded, where, for how long, and the sums."""
    seconds, sums = recording.seconds(), recording.sums()
    kind = "Command" if recording.header.command is not None else "Recorded"
    facts = [
        (kind, recording.subject()),
        ("Begun", recording.header.begun),
        ("Kernel", f"Linux {recording.header.kernel}"),
        ("Time", f"{seconds:.2f} s in intervals of {recording.header.interval:g} s"),
        ("Processes", count(len(recording.totals))),
    ]
    if recording.header.command is not None:
        facts.append(("Ended with", recording.ending()))
    listed = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    rows = [row(MEANINGS[name], count(sums[name]), rate(sums[name], seconds)) for name in COUNTERS]
    totals = table("All processes together", ["", "in all", "per second"], rows)
    return section("summary", "Summary", f"<dl>\n{listed}\n</dl>", totals)


def missed(recording: Recording) -> str:
    """Return what is not in the numbers."""
    notes = recording.missing()
    if not notes:
        return section("missed", "What was missed", "<p>Nothing: the numbers are exact.</p>")
    listed = "\n".join(f"<li>{escape(note)}</li>" for note in notes)
    return section("missed", "What was missed", f"<ul>\n{listed}\n</ul>")


def ranked(recording: Recording) -> list[Total]:
    """Return the processes, that with the most calls of all functions together first."""
    return sorted(recording.totals, key=lambda total: (-calls(total), total.process))


def calls(total: Total) -> int:
    """Return how many calls a process made, of all functions together."""
    return sum(total.counters[name] for name in CALLS)


def column_section(recording: Recording, column: str, parts: Sequence[Span]) -> str:
    """Return the chart of a column, and beside it what it shows as a table."""
    shown = bands(recording, column, parts)
    heading = f"{column}: {MEANINGS[column]}"
    if not shown or not parts:
        return section(column, heading, f"<p>There were no {escape(MEANINGS[column])}.</p>")
    heading += " per second"
    colours = places(shown, [total.process for total in ranked(recording)])
    drawing = chart(f"{heading}, over time, by process", shown, colours, parts)
    beside = band_table(recording, column, shown, [COLOURS[colour] for colour in colours])
    return section(column, heading, f"<figure>\n{drawing}\n{beside}\n</figure>")


def band_table(
    recording: Recording, column: str, shown: Sequence[Band], colours: Sequence[str]
) -> str:
    """Return what a chart shows as a table."""
    whole = recording.sums()[column]
    rows = [
        row(
            band.name,
            count(band.total),
            f"{band.total / whole:.1%}",
            count(round(max(band.rates))),
            colour=colour,
        )
        for band, colour in zip(shown, colours)
    ]
    foot = row("all", count(whole), f"{1:.1%}", "")
    return table(
        "What the chart shows, in numbers", ["process", "in all", "share", "most per s"], rows, foot
    )


def ranking(recording: Recording) -> str:
    """Return a table of the processes and their totals."""
    every = ranked(recording)
    rows = [
        row(
            name_of(total),
            count(calls(total)),
            *numbers(total.counters),
            how_ended(total),
        )
        for total in every[:MOST_RANKED]
    ]
    rest = every[MOST_RANKED:]
    if rest:
        sums = numbers(summed([total.counters for total in rest]))
        name = several(len(rest), "other process", "es")
        rows.append(row(name, count(sum(map(calls, rest))), *sums, ""))
    foot = row("all", count(sum(map(calls, every))), *numbers(recording.sums()), "")
    heads = ["process", "calls", *COUNTERS, "end"]
    made = table("By the number of all calls together", heads, rows, foot)
    return section("ranking", "Ranking", f'<div class="wide">{made}</div>')


def numbers(counters: Counters) -> list[str]:
    """Return counters as cells of a table."""
    return [exact(counters[name]) for name in COUNTERS]


def how_ended(total: Total) -> str:
    """Return how a process ended."""
    if total.withheld or total.lost:
        return NONE
    if total.running:
        return "runs"
    return (total.signal or str(total.exit_status)).removeprefix("SIG")
