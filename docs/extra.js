// What the theme makes when a page opens has names, and can be reached by keys.
const mend = () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
  document.querySelectorAll(".md-code__nav:not([aria-label])").forEach((nav) => {
    const number = [...document.querySelectorAll(".md-code__nav")].indexOf(nav) + 1;
    nav.setAttribute("aria-label", `Code ${number}`);
  });
  for (const button of document.querySelectorAll(".md-code__button:not([aria-label])"))
    button.setAttribute("aria-label", button.title || "Copy");
};
new MutationObserver(mend).observe(document.documentElement, {childList: true, subtree: true});
