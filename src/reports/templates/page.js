"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const compare = new Intl.Collator(document.documentElement.lang).compare;
  const key = (row, column) => {
    const cell = row.cells[column];
    return "v" in cell.dataset ? Number(cell.dataset.v || -Infinity) : cell.textContent.trim();
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("n");
      const descending = head.getAttribute("aria-sort") === "ascending" || down;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const sign = descending ? -1 : 1;
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => sign * (typeof a === "number" ? a - b : compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
const input = document.getElementById("filter");
if (input) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const rows = [...document.querySelectorAll("table.filtered tbody tr")].map((row) => [plain(row.cells[0].textContent), row]);
  input.closest("p").hidden = false;
  input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    for (const [name, row] of rows) row.hidden = !name.includes(wanted);
  });
}
