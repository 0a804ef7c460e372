// A drug this clinic prescribed for the patient before brings how it was prescribed; what was typed is never written
// over, and what belongs to one drug never stays behind with another.
const form = document.getElementById("rxform");
const filled = new Map(); // the field's name: what was put there, and what stood there before
const FIELDS = {
  dosage: "dosage", amount: "amount", unit: "unit", days: "days",
  what_code: "code", what_system: "system", ingredient_code: "ingredient",
};

function takeBack() {
  for (const [name, { now, before }] of filled) {
    const field = form.elements[name];
    if (field.value === now) field.value = before;
  }
  filled.clear();
}

function fill() {
  const said = document.getElementById("rx-filled");
  takeBack();
  const name = form.elements.what.value.trim();
  const before = [...document.getElementById("drugs").options].find((one) => one.value === name)?.dataset;
  if (before?.dosage) {
    const hasCode = form.elements.what_code.value !== "";
    for (const [field, key] of Object.entries(FIELDS)) {
      const { value } = form.elements[field];
      // Which system a code is of belongs to the code; of all others what stands there was typed.
      const isTyped = field === "what_system" ? hasCode : value !== "";
      if (!before[key] || isTyped) continue;
      filled.set(field, { now: before[key], before: value });
      form.elements[field].value = before[key];
    }
  }
  said.textContent = filled.size ? said.dataset.said.replace("{day}", before.day) : "";
}

form?.elements.what.addEventListener("input", fill);
