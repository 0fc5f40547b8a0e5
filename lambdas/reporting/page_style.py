"""The page's style sheet: light, dark and on paper. It stands inside the page, which loads nothing."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ground: #f6f8fa; --card: #fff;
  --link: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d; --ground: #0d1117; --card: #161b22; --link: #6cb0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; }
a { color: var(--link); }
.soft, figcaption, caption { color: var(--soft); font-size: .9rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.2rem 0 0; }
dl .card { padding: .6rem .9rem; }
dt { color: var(--soft); font-size: .9rem; }
dd { margin: 0; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.alert { padding: .6rem .9rem; margin-top: 1.2rem; border-left: .4rem solid #c4432b; }
figure { margin: 0; padding: .8rem; }
figure svg { display: block; width: 100%; height: auto; }
.small { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: .75rem; margin-top: .75rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: start; padding: .6rem .75rem; }
th, td { padding: .4rem .6rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
th { font-weight: 600; }
thead th { font-size: .85rem; color: var(--soft); vertical-align: bottom; white-space: normal; }
th:first-child, #top-movers th:nth-child(3), #top-movers td:nth-child(3) { text-align: left; }
#top-movers td:nth-child(3) { font-family: ui-monospace, monospace; font-size: .9em; }
tfoot th, tfoot td { border-top: 2px solid var(--line); }
svg.pygal-chart text { fill: var(--ink) !important; }
svg.pygal-chart .axis .guide.line { stroke: var(--line) !important; }
svg.pygal-chart .axis > path.line, svg.pygal-chart .axis .axis.line { stroke: var(--soft) !important; }
.small svg .axis path.line { stroke: none !important; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #999; --ground: #fff; --card: #fff; --link: #000; }
  @page { size: A4 landscape; margin: 12mm; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  body { font-size: 11px; print-color-adjust: exact; }
}
"""
