// Stands between require.js and the widget manager: every module of an ordinary widget comes from this book, never from a CDN.
(function () {
  "use strict";
  const here = document.currentScript;
  const vendor = new URL("vendor/", here.src).href;
  window.requirejs.config({
    paths: {
      anywidget: vendor + "anywidget/index",
      "@jupyter-widgets/html-manager/dist": vendor + "html-manager",
    },
  });
  // A widget that is not here is a missing file of this book, not a request to another host.
  here.setAttribute("data-jupyter-widgets-cdn", vendor);
  here.setAttribute("data-jupyter-widgets-cdn-only", "");
  // ipywidgets still calls MathJax 2 for the formulas in its labels; MathJax 3, which stands by the load event, answers.
  window.addEventListener("load", function () {
    const math = (window.MathJax = window.MathJax || {});
    math.Hub = math.Hub || {
      Queue: function (call) {
        const node = Array.isArray(call) ? call[call.length - 1] : null;
        if (!math.typesetPromise || !(node instanceof Element)) return;
        node.classList.add("mathjax_process");
        if (!node.childElementCount) node.textContent = node.textContent.replace(/\$([^$]+)\$/g, "\\($1\\)");
        math.typesetPromise([node]);
      },
    };
  });
})();
