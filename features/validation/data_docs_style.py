"""Style of the Data Docs pages: what they use of their usual frameworks, in one small sheet that needs no network."""

STYLE = """\
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1f2933;
  background: #fff; }
a { color: #0b62a8; text-decoration: none; }
a:hover { text-decoration: underline; }
h1, h2, h3, h4, h5, h6, .h6 { font-weight: 600; line-height: 1.25; margin: 0 0 .4rem; }
h4 { font-size: 1.4rem; } h5 { font-size: 1.15rem; } h6, .h6 { font-size: 1rem; }
p { margin: 0 0 .8rem; } .lead, .small { color: #52606d; } .small { font-size: .85rem; }
.container-fluid { width: 100%; padding: 1.2rem 2rem; }
.container-fluid .container-fluid { padding: 0; }
.row { display: flex; flex-wrap: wrap; margin: 0 -.5rem; }
[class^="col-"], [class*=" col-"] { padding: 0 .5rem; width: 100%; }
.col-6 { width: 50%; }
.row > .col-lg-2 { flex: 0 0 15rem; max-width: 15rem; }
.row > .col-lg-10 { flex: 1 1 0; min-width: 0; }
.sticky { position: sticky; top: 1rem; }
nav.navbar { display: flex; align-items: center; padding: .6rem 2rem; border-bottom: 1px solid #d9e2ec;
  height: auto !important; }
nav.navbar nav { display: flex; align-items: center; gap: 1rem; border: 0; padding: 0; }
.navbar-brand { font-weight: 700; }
.breadcrumb, .nav { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; }
.breadcrumb-item + .breadcrumb-item::before { content: "/"; padding: 0 .5rem; color: #9aa5b1; }
nav#navigation { display: block; padding: .3rem !important; border: 0; }
.nav-pills { display: block; } .nav-link { display: block; padding: .15rem .4rem; }
.card { border: 1px solid #d9e2ec; border-radius: 6px; overflow: hidden; }
.card-header { background: #f5f7fa; padding: .5rem .8rem; border-bottom: 1px solid #d9e2ec; }
.alert { padding: .7rem 1rem; border-radius: 6px; margin: .6rem 0; background: #f5f7fa; border: 1px solid #d9e2ec; }
.alert-success { background: #e3f9e5; border-color: #a3d9a5; } .alert-danger { background: #ffe3e3;
  border-color: #f29b9b; }
.table, table { width: 100%; border-collapse: collapse; margin: .5rem 0 1rem; }
.table td, .table th, table td, table th { padding: .4rem .6rem; border-bottom: 1px solid #e4e7eb;
  text-align: left; vertical-align: top; }
.table th { background: #f5f7fa; font-weight: 600; }
.table-responsive, .show-scrollbars { overflow-x: auto; }
.badge { display: inline-block; padding: 0 .4rem; border-radius: 4px; background: #e4e7eb; font-size: .9em; }
code, .code-snippet { font: .85em ui-monospace, Menlo, Consolas, monospace; color: #52606d;
  word-break: break-word; }
.collapse { display: none; margin: .4rem; padding: .6rem; } .collapse:target, .collapse.show { display: block; }
.fas { font-style: normal; font-weight: 700; }
.fa-check-circle::before { content: "\\2714"; } .fa-times::before { content: "\\2718"; }
.fa-exclamation-triangle::before { content: "\\26A0"; }
.text-success { color: #207227; } .text-danger { color: #ba2525; } .text-warning { color: #cb6e17; }
.modal, .cooltip .top, .d-none:not(.d-md-block):not(.d-md-inline-flex), [hidden] { display: none; }
.ge-section { margin-bottom: 1.2rem; } ul { padding-left: 1.2rem; }
@media (max-width: 50rem) { .row > .col-lg-2 { display: none; } .container-fluid { padding: .8rem; } }
"""
