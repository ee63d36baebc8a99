// The theme is chosen before anything is drawn: the reader's choice, else what the system says.
(function () {
  "use strict";
  var kept = null;
  try { kept = localStorage.getItem("dubbofn-theme"); } catch (e) { /* storage is off: the system's theme it is */ }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
