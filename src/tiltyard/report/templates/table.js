"use strict";
// Every heading of a column becomes a button that sorts by it; cells without a value come last.
// Tables with many rows get a field that filters them.
const MANY = 8;
function key(row, column) {
  const cell = row.cells[column];
  return "v" in cell.dataset ? cell.dataset.v : cell.textContent.trim();
}
function compare(a, b) {
  const x = Number(a), y = Number(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return a.localeCompare(b, "en", { numeric: true });
  return x < y ? -1 : x > y ? 1 : 0;
}
function sort(table, heads, head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  const column = Number(head.dataset.column);
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [key(row, column), row]);
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return up ? compare(a, b) : compare(b, a);
  });
  for (const other of heads) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  body.append(...rows.map(([, row]) => row));
}
function addSorting(table) {
  const heads = table.querySelectorAll("th[data-column]");
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, heads, head));
    head.append(button);
  }
}
function addFilter(table) {
  const rows = Array.from(table.tBodies[0].rows);
  const label = document.createElement("label");
  const input = document.createElement("input");
  const shown = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  label.append("Filter rows ", input, " ", shown);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      left += !row.hidden;
    }
    shown.textContent = words.length ? `${left} of ${rows.length} rows` : "";
  });
  table.parentElement.before(label);
}
for (const table of document.querySelectorAll("table")) {
  const rows = table.tBodies[0].rows.length;
  if (rows > 1) addSorting(table);
  if (rows > MANY) addFilter(table);
}
