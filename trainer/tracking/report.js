// Lets a reader filter, search and read all answers of a stage. In: the text that browser.py packed and the empty form of
// answers.html.jinja. All that comes from data enters the page as text. Where this does not run, the examples stay.

const PAGE = 50; // answers that are in the page at once
const DIGITS = new Intl.NumberFormat("en");

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

async function unpack(base64) {
  const binary = atob(base64.trim());
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// The spans of a column, [start, length], one list for each answer.
function spans({ count, start, length }) {
  let next = 0;
  return count.map((many) => Array.from({ length: many }, () => [start[next], length[next++]]));
}

// One object for each answer. Places are counted in code points, JavaScript's strings in UTF-16.
function read(data) {
  const contexts = data.contexts.map((text) => (/[\ud800-\udbff]/.test(text) ? [...text] : text));
  const cut = (paragraph, start, end) => {
    const part = contexts[paragraph].slice(start, end);
    return typeof part === "string" ? part : part.join("");
  };
  const expected = spans(data.expected);
  const given = spans(data.given);
  const candidates = spans(data.candidates);
  let next = 0;
  return data.id.map((id, index) => {
    const paragraph = data.paragraph[index];
    const text = ([start, length]) => (length < 0 ? data.texts[start] : cut(paragraph, start, start + length));
    return {
      id,
      index,
      question: data.question[index],
      title: data.titles[paragraph].replaceAll("_", " "),
      context: data.contexts[paragraph],
      size: contexts[paragraph].length,
      cut: (start, end) => cut(paragraph, start, end),
      exact: data.exact[index],
      f1: data.f1[index],
      probability: data.probability[index],
      nullOdds: data.null_odds[index],
      expected: expected[index].map(text),
      given: text(given[index][0]),
      candidates: candidates[index].map((span) => ({ text: text(span), probability: data.probabilities[next++] })),
      places: [expected[index][0] ?? [0, 0], given[index][0]].map(([start, length]) => [start, start + length]),
    };
  });
}

const percent = (share) => `${Math.round(100 * share)} %`;
const quoted = (text) => (text ? `“${text}”` : "no answer");

// The context in pieces, each marked as expected, predicted, both or neither.
function marked(answer) {
  const [expected, predicted] = answer.places;
  const inside = (edge, [start, end]) => start <= edge && edge < end;
  const real = answer.places.filter(([start, end]) => start < end);
  const edges = [...new Set([0, answer.size, ...real.flat()])].sort((a, b) => a - b);
  const text = make("p", "context");
  text.dir = "auto";
  for (let index = 0; index + 1 < edges.length; index++) {
    const piece = answer.cut(edges[index], edges[index + 1]);
    const names = [inside(edges[index], expected) && "expected", inside(edges[index], predicted) && "predicted"];
    const kind = names.filter(Boolean).join(" ");
    text.append(kind ? make("mark", kind, piece) : piece);
  }
  return text;
}

function nBest(answer) {
  const rows = answer.candidates.map(({ text, probability }) => {
    const bar = make("span", "");
    bar.style.width = `${100 * probability}%`;
    const frame = make("span", "bar", bar);
    frame.ariaHidden = "true";
    const name = make("th", "", text ? text : make("em", "", "no answer"), frame);
    name.scope = "row";
    return make("tr", "", name, make("td", "number", percent(probability)));
  });
  const caption = make("caption", "", rows.length > 1 ? `Its ${rows.length} best answers` : "Its answer");
  return make("table", "scores", caption, make("tbody", "", ...rows));
}

function body(answer) {
  const facts = [
    `Expected ${answer.expected.map(quoted).join(" or ") || "no answer"}`,
    answer.nullOdds === null ? "" : `null odds ${answer.nullOdds.toFixed(2)}`,
    answer.title,
    answer.id,
  ];
  const parts = [marked(answer), make("p", "verdict", facts.filter(Boolean).join(" · "))];
  if (answer.candidates.length) parts.push(nBest(answer));
  return make("div", "body", ...parts);
}

// A row that unfolds; what is in it is made when it does.
function row(answer) {
  const verdict = answer.exact ? "right" : "wrong";
  const wrong = answer.exact ? "" : `, expected ${quoted(answer.expected[0])} · F1 ${Math.round(answer.f1)}`;
  const sure = answer.probability === null ? "" : ` · ${percent(answer.probability)} sure`;
  const question = make("span", "question", answer.question);
  question.dir = "auto";
  const line = make("span", "verdict", make("b", verdict, verdict), ` Answered ${quoted(answer.given)}${wrong}${sure}`);
  const details = make("details", "", make("summary", "", question, line));
  details.addEventListener("toggle", () => details.append(body(answer)), { once: true });
  return make("li", verdict, details);
}

function select(facet) {
  const counts = facet.options.map(() => 0);
  for (const value of facet.values) counts[value]++;
  const element = make("select", "", new Option("all", ""));
  element.append(...facet.options.map((name, value) => new Option(`${name} (${DIGITS.format(counts[value])})`, value)));
  return element;
}

const ORDERS = {
  file: (a, b) => a.index - b.index,
  f1: (a, b) => a.f1 - b.f1 || a.index - b.index,
  sure: (a, b) => b.probability - a.probability || a.index - b.index,
  unsure: (a, b) => a.probability - b.probability || a.index - b.index,
};

// A test of an answer: whether it holds every word that was typed.
function search(typed, place) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return (answer) => {
    if (!words.length) return true;
    const text = place === "texts" ? answer.context : [answer.question, answer.given, ...answer.expected, answer.id].join("\n");
    answer[place] ??= text.toLowerCase();
    return words.every((word) => answer[place].includes(word));
  };
}

function browse(root, data) {
  const answers = read(data);
  const find = (selector) => root.querySelector(selector);
  const [form, status, list] = [find("form"), find(".status"), find("ol")];
  const [previous, next] = [find("[data-previous]"), find("[data-next]")];
  const filters = data.facets.map((facet) => ({ values: facet.values, element: select(facet) }));
  const labels = filters.map(({ element }, index) => make("label", "", data.facets[index].label, " ", element));
  find("[data-order]").parentElement.before(...labels);
  if (answers.every(({ probability }) => probability === null)) {
    for (const order of ["sure", "unsure"]) find(`[value=${order}]`).remove();
  }
  let shown = answers;
  let page = 0;

  function paint() {
    const pages = Math.max(Math.ceil(shown.length / PAGE), 1);
    const mean = (name, factor) => ((factor * shown.reduce((sum, answer) => sum + answer[name], 0)) / shown.length).toFixed(2);
    const parts = [`${DIGITS.format(shown.length)} of ${DIGITS.format(answers.length)} answers`];
    if (shown.length) parts.push(`exact match ${mean("exact", 100)}`, `F1 ${mean("f1", 1)}`);
    if (pages > 1) parts.push(`page ${page + 1} of ${DIGITS.format(pages)}`);
    status.textContent = parts.join(" · ");
    list.start = page * PAGE + 1;
    list.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(row));
    previous.disabled = page === 0;
    next.disabled = page + 1 >= pages;
  }

  function update() {
    const set = filters.filter(({ element }) => element.value !== "").map(({ values, element }) => [values, +element.value]);
    const found = search(find("[type=search]").value, find("[data-place]").value);
    shown = answers.filter((answer) => set.every(([values, value]) => values[answer.index] === value) && found(answer));
    shown.sort(ORDERS[find("[data-order]").value]);
    page = 0;
    paint();
  }

  function turn(pages) {
    page += pages;
    paint();
    status.focus();
  }

  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update));
  form.addEventListener("submit", (event) => event.preventDefault());
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  update();
  root.hidden = false;
  root.parentElement.classList.add("browsed");
}

for (const root of document.querySelectorAll(".browser")) {
  const packed = root.querySelector("script");
  unpack(packed.textContent).then((data) => browse(root, data));
  packed.remove();
}
