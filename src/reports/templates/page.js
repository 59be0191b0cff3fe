"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
  const key = (row, column) => {
    const cell = row.cells[column];
    return "v" in cell.dataset ? (cell.dataset.v === "" ? -Infinity : Number(cell.dataset.v)) : cell.textContent.trim();
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const descending = now === "ascending" || (now !== "descending" && head.classList.contains("n"));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const sign = descending ? -1 : 1;
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => sign * (typeof a === "number" ? (a === b ? 0 : a - b) : compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
const panel = document.querySelector(".filters");
if (panel) {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const link = (row) => row.cells[0].querySelector("a").getAttribute("href");
  const text = document.getElementById("filter");
  const found = document.getElementById("filter-found");
  const choices = [...panel.querySelectorAll("select")];
  const clients = [...document.querySelectorAll("#clients tbody tr")];
  const names = new Map(clients.map((row) => [row, plain(row.cells[0].textContent)]));
  const listed = [...document.querySelectorAll("table.filtered tbody tr")].map((row) => [row, link(row)]);
  const fits = (row, choice) => !choice.value || row.dataset[choice.dataset.name].split(" ").includes(choice.value);
  const apply = () => {
    const wanted = plain(text.value.trim());
    const shown = new Set();
    for (const row of clients) {
      if (names.get(row).includes(wanted) && choices.every((choice) => fits(row, choice))) shown.add(link(row));
    }
    const alert = choices.find((choice) => choice.dataset.name === "alert");
    for (const [row, target] of listed) {
      row.hidden = !shown.has(target) || ("alert" in row.dataset && alert && !fits(row, alert));
    }
    const chosen = wanted || choices.some((choice) => choice.value);
    found.textContent = chosen ? found.dataset.text.replace("#", shown.size) : "";
  };
  panel.hidden = false;
  text.addEventListener("input", apply);
  choices.forEach((choice) => choice.addEventListener("change", apply));
  document.getElementById("filter-clear").addEventListener("click", () => {
    text.value = "";
    choices.forEach((choice) => { choice.value = ""; });
    apply();
    text.focus();
  });
  apply();
}
