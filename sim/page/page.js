"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var choice = document.getElementById("connection"), filter = document.getElementById("filter");
  var list = document.getElementById("list"), left = document.getElementById("left");
  if (!data.length) {
    left.textContent = "There were no packets.";
    return;
  }
  var groups = {};
  data.forEach(function (c, i) {
    var group = groups[" " + c.from];
    if (!group) {
      group = groups[" " + c.from] = document.createElement("optgroup");
      group.label = c.from;
      choice.appendChild(group);
    }
    var option = document.createElement("option");
    option.value = i;
    option.textContent = c.name + ", " + c.all + " packets";
    group.appendChild(option);
  });

  function add(parent, tag, text, name) {
    var e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (name) e.className = name;
    parent.appendChild(e);
    return e;
  }

  // The body of a HEADER unfolds into its members.
  function body(cell, p) {
    var text = p[5], more = p[6] ? "…" : "";
    var members = null;
    if (p[2] === "HEADER" && !p[6]) {
      try {
        members = JSON.parse(text);
      } catch (e) { /* it is shown as it is */ }
    }
    if (!members || typeof members !== "object") {
      cell.textContent = text + more;
      return;
    }
    var details = add(cell, "details");
    add(details, "summary", text);
    var dl = add(details, "dl");
    Object.keys(members).forEach(function (k) {
      add(dl, "dt", k);
      add(dl, "dd", typeof members[k] === "string" ? members[k] : JSON.stringify(members[k]));
    });
  }

  function show() {
    var c = data[choice.value], rows = document.createElement("tbody"), n = 0;
    var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    c.packets.forEach(function (p, i) {
      if (c.left && i === c.first) {
        add(add(rows, "tr", undefined, "gap"), "td", "… " + c.left + " packets are left out …").colSpan = 6;
      }
      var all = (p[2] + " " + p[3] + " " + p[5]).toLowerCase();
      if (!words.every(function (w) { return all.indexOf(w) >= 0; })) return;
      n++;
      var row = add(rows, "tr", undefined, p[1] ? "out" : "in");
      add(row, "td", (p[0] / 1e6).toFixed(6), "r");
      add(row, "td", p[1] ? "→" : "←", "arrow").title = p[1] ? "from " + c.from : "from " + c.to;
      add(row, "td", p[2] || "no packet", /^[A-Z]+$/.test(p[2]) ? p[2] : "");
      add(row, "td", p[3], "r");
      add(row, "td", p[4], "r");
      body(add(row, "td"), p);
    });
    list.replaceChild(rows, list.tBodies[0]);
    left.textContent = "→ from " + c.from + ", ← from " + c.to + "; " + n + " of " + c.all + " packets." +
      (c.left ? " Of a longer connection the first and the last ones are here." : "");
  }

  choice.onchange = show;
  filter.oninput = show;
  document.getElementById("choice").onsubmit = function () { return false; };
  document.getElementById("choice").hidden = list.hidden = false;
  show();
})();
