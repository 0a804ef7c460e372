// A photo from the camera is made smaller before it is kept or sent; what the camera wrote into it goes by that, too.

const LONGEST = 1600; // pixels of the longer side
const QUALITY = 0.82;

async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  return blob && new File([blob], "photo.jpg", { type: "image/jpeg" });
}

addEventListener("change", async (event) => {
  const input = event.target;
  const form = input.form;
  if (input.type !== "file" || form?.dataset.photo === undefined || !input.files.length) return;
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    const made = await smaller(input.files[0]);
    if (made) {
      const files = new DataTransfer();
      files.items.add(made);
      input.files = files.files;
    }
  } catch {
    // What the browser cannot draw the server looks at as it is.
  } finally {
    for (const button of buttons) button.disabled = false;
  }
});
