"""One HTML file that opens offline: words as they are, chart library and charts packed inside."""

from __future__ import annotations

import json
import zlib
from base64 import b85encode
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from bateia.backtest.report.style import CSS, GOLD, INK

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
PAN = (
    '<svg width="26" height="16" viewBox="0 0 26 16" aria-hidden="true">'
    f'<path d="M1 5h24c-1 6-6 10-12 10S2 11 1 5z" fill="none" stroke="{INK}" stroke-width="1.4"/>'
    f'<g fill="{GOLD}"><circle cx="10" cy="2.4" r="1.7"/><circle cx="15.4" cy="10.4" r="1.7"/>'
    '<circle cx="11" cy="9.4" r="1.2"/></g></svg>'
)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=/?@^_:{|}~"
"""85 signs; none of them could end a script element or begin a comment."""
_PYTHONS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_TO_OURS = bytes.maketrans(_PYTHONS.encode(), _ALPHABET.encode())
SCRIPT = """
const signs = "ALPHABET", worth = new Uint8Array(128);
for (let i = 0; i < 85; i++) worth[signs.charCodeAt(i)] = i;
const unpack = async id => {
  const text = document.getElementById(id).textContent, bytes = new Uint8Array(text.length / 5 * 4);
  for (let i = 0, j = 0; i < text.length; i += 5) {
    let n = 0;
    for (let k = i; k < i + 5; k++) n = n * 85 + worth[text.charCodeAt(k)];
    bytes[j++] = n >>> 24; bytes[j++] = n >>> 16; bytes[j++] = n >>> 8; bytes[j++] = n;
  }
  const length = Number(document.getElementById(id).dataset.length);
  const stream = new Blob([bytes.subarray(0, length)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).text();
};
const config = {displaylogo: false, displayModeBar: false, responsive: true};
const touch = matchMedia("(pointer: coarse)").matches;
let waiting = [];
const drawn = [];
const resized = new ResizeObserver(entries => entries.forEach(e => Plotly.Plots.resize(e.target)));
const draw = () => {
  const [id, figure] = waiting.shift(), place = document.getElementById(id);
  if (touch) figure.layout.dragmode = false;
  place.textContent = "";
  Plotly.newPlot(place, figure.data, figure.layout, config);
  drawn.push(place);
  resized.observe(place);
};
const next = () => {
  if (!waiting.length) { document.body.dataset.charts = "drawn"; return; }
  draw();
  setTimeout(next);
};
const start = async () => {
  const [library, figures] = await Promise.all([unpack("library"), unpack("figures")]);
  const script = document.createElement("script");
  script.textContent = library;
  document.head.append(script);
  waiting = Object.entries(JSON.parse(figures));
  next();
};
start().catch(error => document.querySelectorAll(".chart").forEach(place => {
  place.textContent = "This browser cannot draw the chart: " + error;
}));
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  while (waiting.length) draw();
  drawn.forEach(place => Plotly.Plots.resize(place));
});
addEventListener("afterprint", () => drawn.forEach(place => Plotly.Plots.resize(place)));
""".replace("ALPHABET", _ALPHABET)


def shell(title: str, body: str, figures: Mapping[str, Any]) -> str:
    """The page around `body` (HTML); `figures` are plotly figures by the id of their place in it.

    About 1.9 MB, nearly all of it the chart library; no request leaves the page. The same input gives the
    same text.
    """
    data = json.dumps(figures, allow_nan=False, separators=(",", ":")).encode()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)} \u00b7 Bateia</title>\n'
        f"<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        f"{_packed('figures', data)}{_library()}<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def brand(what: str) -> str:
    """The first line of a page."""
    return f'<div class="brand">{PAN}<span>{escape(what)}</span></div>\n'


def contents(sections: Sequence[tuple[str, str]]) -> str:
    """Links to sections, (id, title) each."""
    links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in sections)
    return f'<nav aria-label="Contents">{links}</nav>\n'


def section(name: str, title: str, body: str) -> str:
    """A part of the page that can be linked to."""
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n{body}</section>\n'


def figure(name: str, title: str, caption: str, height: int) -> str:
    """The place of a chart, with its title and what it shows in words."""
    return (
        f"<figure><h3>{escape(title)}</h3><figcaption>{escape(caption)}</figcaption>"
        f'<div class="chart" id="chart-{name}" style="height:{height}px"></div></figure>\n'
    )


def signs(data: bytes) -> str:
    """Bytes as text that a script element can hold, five signs for four bytes.

    >>> signs(b"gold")
    'XK!p|'
    """
    return b85encode(data, pad=True).translate(_TO_OURS).decode()


def _packed(name: str, data: bytes) -> str:
    small = zlib.compress(data, 9)
    return f'<script type="text/plain" id="{name}" data-length="{len(small)}">{signs(small)}</script>\n'


@cache
def _library() -> str:
    from plotly.offline import get_plotlyjs

    return _packed("library", get_plotlyjs().encode())
