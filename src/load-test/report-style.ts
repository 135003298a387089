/** How the report looks, light and dark. Colours of lines differ for the colour-blind, too. */

export const STYLE = `
:root{--back:#fff;--paper:#f6f7f9;--ink:#1b1f24;--quiet:#5b6470;--rule:#dde1e6;--good:#0b6e4f;--good-back:#e3f4ec;--bad:#a3231f;
--bad-back:#fbe7e5;--warn:#7a4b00;--warn-back:#fdf0d5;--c1:#0b62b5;--c2:#c2410c;--c3:#7c3aed;--c4:#0f766e;--c5:#6b7280}
@media (prefers-color-scheme:dark){:root{--back:#14171b;--paper:#1c2026;--ink:#e7eaee;--quiet:#a0a9b4;--rule:#333a43;--good:#6fd6ad;
--good-back:#12382b;--bad:#ff9d94;--bad-back:#43201e;--warn:#f3c46b;--warn-back:#3d2f10;--c1:#6cb2ff;--c2:#ff9f68;--c3:#c4a1ff;--c4:#5fd4c6;--c5:#9aa4b0}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:940px;margin:0 auto;padding:40px 24px 64px}
header{display:grid;grid-template-columns:1fr auto;align-items:center;gap:4px 16px}
header p{grid-column:1/-1;margin:0;overflow-wrap:anywhere}
h1{font-size:26px;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 12px}
section{margin-top:40px}
.quiet{color:var(--quiet);font-size:13.5px}
ul.quiet{padding-left:18px}
.verdict,.mark{border-radius:999px;padding:3px 12px;font-weight:600;font-size:14px;white-space:nowrap}
.mark{padding:1px 10px;font-size:13px}
.verdict.kept,.mark.kept{background:var(--good-back);color:var(--good)}
.verdict.missed,.verdict.unsafe,.mark.missed{background:var(--bad-back);color:var(--bad)}
.verdict.invalid{background:var(--warn-back);color:var(--warn)}
.findings{margin:20px 0 0;padding:12px 16px 12px 34px;border-radius:8px;background:var(--warn-back);color:var(--warn)}
.findings.missed,.findings.unsafe{background:var(--bad-back);color:var(--bad)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:24px 0 0}
.cards div{background:var(--paper);border-radius:8px;padding:12px 14px;display:flex;flex-direction:column;justify-content:space-between;gap:6px}
dt{color:var(--quiet);font-size:13px;line-height:1.35}
dd{margin:0;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
tbody th{font-weight:400}
thead th{color:var(--quiet);font-size:13px;font-weight:500}
.setup th{color:var(--quiet);vertical-align:top;width:130px}
.setup td{text-align:left;white-space:normal;overflow-wrap:anywhere}
code{font:13px ui-monospace,"SF Mono",Menlo,Consolas,monospace}
.outcome{margin-left:14px}.outcome code{color:var(--quiet)}
svg{display:block;width:100%;height:auto;min-width:560px}
section:has(>svg){overflow-x:auto}
.grid{stroke:var(--rule);stroke-width:1}
.tick{fill:var(--quiet);font-size:12px}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.direct{stroke-dasharray:4 4}
.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5);stroke-dasharray:6 4}
.dot{fill:var(--quiet);opacity:.7}.band{fill:var(--paper)}.failed{fill:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:0 0 8px;padding:0;font-size:13.5px}
.key{display:inline-block;width:18px;height:3px;border-radius:2px;margin-right:7px;vertical-align:middle}
.key.c1{background:var(--c1)}.key.c2{background:var(--c2)}.key.c3{background:var(--c3)}.key.c4{background:var(--c4)}.key.c5{background:var(--c5)}
.key.dot{width:7px;height:7px;border-radius:50%;background:var(--quiet)}.key.band{height:12px;background:var(--paper);border:1px solid var(--rule)}
@media (max-width:600px){main{padding:24px 16px 48px}header{grid-template-columns:1fr}header .verdict{justify-self:start}}
@media print{section{break-inside:avoid}}
`;
