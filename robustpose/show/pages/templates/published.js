// The row of the paper that stands below ours.
(() => {
  "use strict";

  const choice = document.getElementById("published-choice");
  const show = () => {
    document.querySelectorAll("tbody[data-published]").forEach((body) => { body.hidden = body.dataset.published !== choice.value; });
  };
  choice?.addEventListener("change", show);
  if (choice) show(); // a browser may have kept a choice of before
})();
