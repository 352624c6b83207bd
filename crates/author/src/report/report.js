// Searches the page, and copies the tests to paste. Everything is on the page without it.
(() => {
  const box = document.getElementById("search");
  const field = box.querySelector("input");
  const status = box.querySelector("[role=status]");
  const parts = [...document.querySelectorAll("tbody tr, details")];
  const texts = parts.map((part) => part.textContent.toLowerCase());
  box.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    const found = parts.filter((part, at) => {
      part.hidden = !texts[at].includes(wanted);
      return !part.hidden;
    });
    const boxes = found.filter((part) => part.tagName === "DETAILS");
    if (wanted && boxes.length <= 20) boxes.forEach((part) => (part.open = true));
    status.textContent = wanted ? `${found.length} of ${parts.length}` : "";
  });
  for (const tests of document.querySelectorAll("details.tests pre")) {
    const button = document.createElement("button");
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(tests.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(tests);
      }
    });
    tests.before(button);
  }
})();
