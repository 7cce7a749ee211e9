"""One restrained palette and one stylesheet: paper, ink, and the gold of the pan."""

PAPER, CARD, INK, MUTED, HAIR = "#FBFAF6", "#FFFFFF", "#24221D", "#6E695E", "#E7E2D6"
GOLD, PALE_GOLD, TEAL, RUST, SLATE, GREY = "#B5892B", "#DDC58C", "#1F6F78", "#A8452F", "#5B6472", "#8F897C"
BLUE, SAND = "#1F5F8B", "#CFC8B8"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CSS = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; background: {PAPER}; color: {INK}; font: 16px/1.55 {FONT};
  font-variant-numeric: tabular-nums; }}
main {{ max-width: 1080px; margin: 0 auto; padding: 40px 28px 64px; }}
.brand {{ display: flex; align-items: center; gap: 10px; color: {MUTED}; font-size: 13px;
  letter-spacing: .09em; text-transform: uppercase; }}
.brand svg {{ display: block; }}
h1 {{ font-size: 30px; line-height: 1.2; margin: 10px 0 4px;
  letter-spacing: -.01em; overflow-wrap: anywhere; }}
h2 {{ font-size: 20px; line-height: 1.3; margin: 52px 0 12px; letter-spacing: -.005em; }}
h3 {{ font-size: 16px; margin: 0 0 2px; }}
p {{ margin: 0 0 10px; }}
.muted, figcaption, .note {{ color: {MUTED}; font-size: 14px; }}
h3 + .scroll {{ margin-bottom: 22px; }}
section {{ scroll-margin-top: 12px; }}
nav {{ display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 14px 0 0; font-size: 14px; }}
nav a {{ color: #8A6516; text-decoration: none; padding: 3px 0; }}
nav a:hover, nav a:focus {{ text-decoration: underline; }}
code {{ font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
.warning {{ margin: 0 0 12px; padding: 10px 16px; background: {CARD}; border: 1px solid {HAIR};
  border-left: 5px solid {RUST}; border-radius: 6px; font-size: 15px; }}
.verdict {{ margin: 26px 0 20px; padding: 22px 26px; background: {CARD}; border: 1px solid {HAIR};
  border-left: 5px solid {GREY}; border-radius: 6px; }}
.verdict.edge {{ border-left-color: {GOLD}; }}
.verdict .tag {{ font-size: 12px; font-weight: 650; letter-spacing: .09em; text-transform: uppercase;
  color: {MUTED}; }}
.verdict.edge .tag {{ color: #8A6516; }}
.verdict .headline {{ font-size: 22px; line-height: 1.35; font-weight: 600; margin: 4px 0 10px; }}
.verdict ul {{ margin: 0; padding-left: 18px; color: {MUTED}; font-size: 14px; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px;
  background: {HAIR}; border: 1px solid {HAIR}; border-radius: 6px; overflow: hidden; }}
.tile {{ background: {CARD}; padding: 14px 16px; }}
.tile .label {{ color: {MUTED}; font-size: 13px; }}
.tile .value {{ font-size: 23px; font-weight: 600; line-height: 1.3; white-space: nowrap; }}
.tile .value small {{ font-size: 14px; font-weight: 400; color: {MUTED}; }}
.tile .range {{ color: {MUTED}; font-size: 13px; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 15px; }}
th, td {{ text-align: right; padding: 7px 12px; border-bottom: 1px solid {HAIR}; vertical-align: top; }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0; }}
thead th {{ font-size: 13px; color: {MUTED}; font-weight: 600; border-bottom: 1px solid {INK};
  overflow-wrap: anywhere; }}
thead th.own {{ color: #8A6516; }}
tbody th {{ font-weight: 400; }}
tr.group th {{ padding-top: 20px; font-size: 12px; font-weight: 650; letter-spacing: .08em;
  text-transform: uppercase; color: {MUTED}; }}
td .range {{ display: block; color: {MUTED}; font-size: 12.5px; white-space: nowrap; }}
th .range {{ display: block; color: {MUTED}; font-size: 12.5px; }}
table.told thead th, table.wide thead th {{ overflow-wrap: normal; }}
table.wide {{ min-width: 680px; }}
table.told td {{ font-variant-numeric: tabular-nums; }}
table.told th:last-child, table.told td:last-child {{ text-align: left; }}
table.told td:last-child .range {{ white-space: normal; }}
table.gates td:last-child {{ white-space: nowrap; }}
td.held {{ color: {TEAL}; font-weight: 600; }}
td.broken {{ color: {RUST}; font-weight: 600; }}
table.fields td {{ text-align: left; font-size: 14px; overflow-wrap: anywhere; }}
table.fields th {{ text-align: left; }}
.cards .verdict {{ margin: 14px 0; }}
.cards {{ margin-top: 22px; }}
td .minus {{ color: {RUST}; }}
figure {{ margin: 0 0 22px; padding: 18px 20px 14px; background: {CARD}; border: 1px solid {HAIR};
  border-radius: 6px; min-width: 0; }}
figcaption {{ margin: 0 0 4px; }}
.chart {{ width: 100%; overflow: hidden; }}
.pair {{ display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 22px; }}
.pair figure {{ display: flex; flex-direction: column; justify-content: space-between; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px;
  margin: 0 0 18px; font-size: 14px; }}
dt {{ color: {MUTED}; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
pre {{ background: {CARD}; border: 1px solid {HAIR}; border-radius: 6px; padding: 14px 16px; margin: 10px 0 0;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-x: auto; }}
summary {{ cursor: pointer; font-size: 15px; }}
.note {{ margin-top: 12px; }}
@media (max-width: 760px) {{
  main {{ padding: 24px 14px 40px; }}
  h1 {{ font-size: 25px; }}
  .verdict {{ padding: 16px 18px; }}
  .verdict .headline {{ font-size: 19px; }}
  .pair {{ grid-template-columns: minmax(0, 1fr); gap: 0; }}
  .tiles {{ grid-template-columns: 1fr 1fr; }}
  .tile:last-child {{ grid-column: 1 / -1; }}
  .tile .value {{ font-size: 19px; }}
  figure {{ padding: 14px 10px 8px; }}
  th, td {{ padding: 6px 6px; font-size: 14px; }}
  td .range {{ font-size: 11.5px; white-space: normal; }}
  table.gates td:last-child {{ white-space: normal; }}
  dl {{ grid-template-columns: 1fr; gap: 0; }}
  dd {{ margin-bottom: 6px; }}
}}
@media print {{
  @page {{ margin: 14mm; }}
  body {{ background: white; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  main {{ max-width: none; padding: 0; }}
  figure, .verdict, .tiles, tr {{ break-inside: avoid; }}
  h2 {{ break-after: avoid; }}
  .modebar, nav {{ display: none; }}
  pre {{ white-space: pre-wrap; }}
  .scroll {{ overflow: visible; }}
  table.wide {{ min-width: 0; font-size: 9pt; }}
}}
"""
